"""Reads messages with Python's own parser: paths on standard input, one line of JSON for each on standard output."""

import email
import email.policy
import hashlib
import json
import sys


def field(read):
    """A field that cannot be read says why: that, too, is an answer."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__}


def people(message, name):
    header = message[name]
    if header is None:
        return []
    return [{"name": a.display_name or None, "address": a.addr_spec} for a in header.addresses]


def identifiers(message, name):
    return str(message[name] or "").replace(",", " ").replace("><", "> <").split()


def body(message, kind):
    part = message.get_body((kind,))
    return None if part is None else part.get_content()


def files(message):
    bodies = [b for b in (message.get_body(("plain",)), message.get_body(("html",))) if b is not None]
    found = []
    parts = [message]
    while parts:
        part = parts.pop(0)
        if part.get_content_maintype() == "multipart":
            parts = list(part.iter_parts()) + parts
        elif not any(part is b for b in bodies):
            found.append(one_file(part))
    return found


def one_file(part):
    if part.get_content_type() == "message/rfc822":
        octets = part.get_payload(0).as_bytes()
    else:
        octets = part.get_payload(decode=True) or b""
    return {
        "name": part.get_filename(),
        "type": part.get_content_type(),
        "size": len(octets),
        "hash": hashlib.sha1(octets).hexdigest(),
    }


def date(message):
    value = message["date"]
    return None if value is None or value.datetime is None else int(value.datetime.timestamp() * 1000)


def reading(octets):
    message = email.message_from_bytes(octets, policy=email.policy.default)
    return {
        "subject": field(lambda: None if message["subject"] is None else str(message["subject"])),
        "from": field(lambda: people(message, "from")),
        "to": field(lambda: people(message, "to")),
        "cc": field(lambda: people(message, "cc")),
        "messageId": field(lambda: (identifiers(message, "message-id") or [None])[0]),
        "inReplyTo": field(lambda: (identifiers(message, "in-reply-to") or [None])[-1]),
        "references": field(lambda: identifiers(message, "references")),
        "date": field(lambda: date(message)),
        "text": field(lambda: body(message, "plain")),
        "html": field(lambda: body(message, "html")),
        "attachments": field(lambda: files(message)),
    }


for line in sys.stdin:
    with open(line.strip(), "rb") as source:
        print(json.dumps(reading(source.read())).encode("ascii").decode(), flush=True)
