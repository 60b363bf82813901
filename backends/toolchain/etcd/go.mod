// etcd 3.6: with 3.4, watch lists fail and Argo reacts tens of seconds late.
module metaflow-extras/toolchain/etcd

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.6.16
