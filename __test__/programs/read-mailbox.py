"""Reads a mailbox by IMAP and prints what Python's own parser makes of each message: an oracle that shares no code with the addon.

read-mailbox.py PORT CA USER PASSWORD COUNT
"""

import email
import email.policy
import email.utils
import hashlib
import imaplib
import json
import ssl
import sys
import time
from email.header import decode_header, make_header


def main(port, ca, user, password, count):
    context = ssl.create_default_context(cafile=ca)
    server = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
    server.login(user, password)
    limit = time.monotonic() + 60
    while True:
        _, (number,) = server.select("INBOX", readonly=True)
        if int(number) >= int(count) or time.monotonic() > limit:
            break
        time.sleep(0.2)
    _, (numbers,) = server.search(None, "ALL")
    for number in numbers.split():
        _, answer = server.fetch(number, "(BODY.PEEK[])")
        print(json.dumps(described(answer[0][1])))
    server.logout()


def described(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = {"text": None, "html": None, "calendar": None, "files": [], "defects": []}
    for part in message.walk():
        found["defects"] += [type(defect).__name__ for defect in part.defects]
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            continue
        kind = part.get_content_type()
        if part.get_content_disposition() is None and kind in ("text/plain", "text/html", "text/calendar"):
            name = kind.split("/")[1].replace("plain", "text")
            content = part.get_content()
            found[name] = {"method": part.get_param("method"), "content": content} if name == "calendar" else content
            continue
        octets = part.get_payload(decode=True)
        found["files"].append(
            {
                "filename": part.get_filename(),
                "type": kind,
                "disposition": part.get_content_disposition(),
                "contentId": part["content-id"],
                "sha256": hashlib.sha256(octets).hexdigest() if octets is not None else None,
            }
        )
    # The newer parser puts a blank between two encoded words of a name (fixed in Python 3.13), the older one does not.
    plain = email.message_from_bytes(raw, policy=email.policy.compat32)
    for field in ("from", "sender", "reply-to", "to", "cc", "bcc"):
        values = [str(value).replace("\r\n", "") for value in plain.get_all(field, [])]
        pairs = email.utils.getaddresses(values)
        found[field] = [[str(make_header(decode_header(name))), address] for name, address in pairs]
    for field in ("subject", "message-id", "in-reply-to", "references", "x-priority", "x-text", "disposition-notification-to"):
        found[field] = None if message[field] is None else str(message[field])
    found["date"] = None if message["date"] is None else message["date"].datetime.timestamp()
    found["longest"] = max(len(line) for line in raw.split(b"\r\n"))
    return found


main(*sys.argv[1:])
