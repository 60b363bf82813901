"""What the extension brings to Metaflow; the code is beside this folder."""

STEP_DECORATORS_DESC = [("nomad", "metaflow_extensions.nomad.decorator.NomadDecorator")]
TRAMPOLINE_CLIS_DESC = [("nomad", "metaflow_extensions.nomad.cli.cli")]
