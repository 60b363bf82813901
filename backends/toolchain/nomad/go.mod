// Builds Nomad as its release does. The two replacements are those of Nomad's own go.mod, which
// only count in the main module; the api module is pinned to the tree that 1.11.2 was built from.
module metaflow-extras/toolchain/nomad

go 1.25.5

require (
	github.com/hashicorp/nomad v1.11.2
	github.com/hashicorp/nomad/api v0.0.0-20260205205048-8315996478d1
)

replace (
	github.com/Microsoft/go-winio => github.com/endocrimes/go-winio v0.4.13-0.20190628114223-fb47a8b41948
	github.com/hashicorp/hcl => github.com/hashicorp/hcl v1.0.1-nomad-1
)
