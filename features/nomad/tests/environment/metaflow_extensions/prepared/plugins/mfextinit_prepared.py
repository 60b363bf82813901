"""An environment that is there already, as @pypi's is once it is made."""

ENVIRONMENTS_DESC = [("prepared", ".environment.PreparedEnvironment")]
