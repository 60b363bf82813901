module metaflow-extras/toolchain/runc-lowcap

go 1.25.0
