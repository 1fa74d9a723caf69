"""Makes calls of EventBridgeV2 with botocore: a JSON list of calls comes in, a
JSON list of what botocore sent to, and what it understood of the answers, goes out.
"""

import datetime
import json
import sys

from botocore.config import Config
from botocore.exceptions import ClientError, EndpointVariantError
from botocore.session import Session


class Stop(Exception):
    pass


def call(session, want):
    try:
        return attempt(session, want)
    except EndpointVariantError:
        return {"error": "no such endpoint"}


def attempt(session, want):
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        use_fips_endpoint=want.get("fips", False),
        use_dualstack_endpoint=want.get("dualStack", False),
        account_id_endpoint_mode=want.get("accountMode") or None,
    )
    client = session.create_client(
        "eventbridgev2",
        region_name=want["region"],
        endpoint_url=want.get("endpoint"),
        config=config,
        aws_access_key_id=want["accessKey"],
        aws_secret_access_key=want["secretKey"],
        aws_session_token=want["token"],
    )
    done = {}

    def before_send(request, **_):
        done["url"] = request.url
        if not want.get("endpoint"):
            raise Stop

    client.meta.events.register("before-send.eventbridgev2", before_send)
    for entry in want["params"].get("Entries", []):
        if "Time" in entry:
            at = datetime.timedelta(milliseconds=entry["Time"])
            entry["Time"] = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + at
    try:
        done["answer"] = getattr(client, want["operation"])(**want["params"])
        del done["answer"]["ResponseMetadata"]
    except Stop:
        pass
    except ClientError as e:
        done["error"] = e.response["Error"]["Code"]
    return done


session = Session()
print(json.dumps([call(session, want) for want in json.load(sys.stdin)]))
