"""A command that tries in a job what Metaflow's bootstrap will need there."""

from __future__ import annotations

from metaflow_extensions.nomad.job.command import interpreter

MARK = "nomad-check"  # begins each line: mark, passed or failed, what, text
SHELL = (
    f"""
said() {{ echo "{MARK} $*"; }}
"""
    """
tried() { "${@:3}" >/dev/null 2>&1 && said passed "$1" || said failed "$1" "$2"; }
for name in tar date python; do
  tried $name "is not on the PATH" command -v $name
done
tried date-Ins "GNU date is needed, not that of busybox" date -Ins
if [ -n "$METAFLOW_SKIP_INSTALL_DEPENDENCIES" ]; then
  for name in boto3 requests; do
    tried $name "is not installed" python -c "import $name"
  done
else
  tried pip "python -m pip does not work" python -m pip --version
fi
"""
)
S3 = (
    f"""
import os, uuid
import boto3
from botocore.exceptions import ClientError

def said(outcome, name, text=""):
    print("{MARK}", outcome, name, " ".join(str(text).split()))
"""
    """
endpoint = os.environ.get("METAFLOW_S3_ENDPOINT_URL")
root = os.environ["METAFLOW_DATASTORE_SYSROOT_S3"].removeprefix("s3://")
bucket, _, prefix = root.partition("/")
client = boto3.client("s3", **({"endpoint_url": endpoint} if endpoint else {}))
place = {"Bucket": bucket, "Key": f"{prefix}/nomad-check-{uuid.uuid4()}".lstrip("/")}
try:
    client.put_object(**place, Body=b"x", IfNoneMatch="*")
    said("passed", "datastore")
    try:
        client.put_object(**place, Body=b"y", IfNoneMatch="*")
        said("failed", "claims", "the store heeds no If-None-Match: it writes over what is there")
    except ClientError:
        said("passed", "claims")
    client.delete_object(**place)
except Exception as error:
    said("failed", "datastore", error)
"""
)


def trial(datastore: str, executable: str | None) -> list[str]:
    """Give `bash -c ...`; of datastores, only S3 is tried."""
    parts = [*interpreter(executable), SHELL]
    if datastore == "s3":
        parts.append(f"python - <<'END'\n{S3}\nEND")
    return ["bash", "-c", "\n".join(parts)]
