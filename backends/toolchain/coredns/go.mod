// The names of services, in clusters that kubeadm makes.
module metaflow-extras/toolchain/coredns

go 1.26.0

require github.com/coredns/coredns v1.15.0
