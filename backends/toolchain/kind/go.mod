// kind as it is: the files of its node come out of the source of the same version.
module metaflow-extras/toolchain/kind

go 1.26.0

require sigs.k8s.io/kind v0.33.0
