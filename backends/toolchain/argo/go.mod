// Argo Workflows: the controller, and the executor that runs in every pod of a workflow.
module metaflow-extras/toolchain/argo

go 1.26.0

require github.com/argoproj/argo-workflows/v3 v3.7.3
