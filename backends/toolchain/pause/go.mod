module metaflow-extras/toolchain/pause

go 1.25.0
