#!/usr/bin/env python3
"""Programs ask the real service over HTTPS by their tokens: scopes, ends, limits, the document of the API, metrics."""
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import time

from service import ROOT, Service, Skip, check, check_equal, main
from web_api import PASSWORD, Web

SCOPES = {"read", "search", "incidents", "vulnerabilities", "objects", "rules", "agents", "administration", "metrics",
          "reports"}
FILES = ("/api/upload", "/api/indicators", "/api/document", "/api/document.file")  # bytes in, bytes out
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')


def call(service, path, token, method="GET", body=None, **headers):
    context = ssl._create_unverified_context()  # the certificate of a first start signs itself
    link = http.client.HTTPSConnection("127.0.0.1", service.ports["web-port"], timeout=30, context=context)
    head = {"Authorization": f"Bearer {token}", **headers}
    if body is not None:
        head["Content-Type"] = "application/json"
    try:
        link.request(method, path, body=None if body is None else json.dumps(body), headers=head)
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8")
    finally:
        link.close()


def make(web, *scopes, seconds=3600, **members):
    answer = web.change("token.make", **{"name": "ci", "scopes": list(scopes), "password": PASSWORD,
                                         "until_ns": int((time.time() + seconds) * 1e9), **members})
    check(answer["ok"], answer)
    return answer["token"]


def status(service, path, token, method="GET", body=None):
    code, _, text = call(service, path, token, method, body)
    return code, json.loads(text).get("error", "")


def scopes_hold():
    """a token opens what its scopes are, and nothing that is for people"""
    with Service() as service:
        web = Web(service)
        reader, rules, metrics = make(web, "read"), make(web, "rules"), make(web, "metrics")
        rows = ((reader, "/api/incident.list", 200, ""), (reader, "/api/archive", 200, ""),
                (reader, "/api/channel.list", 403, "token_scope"), (reader, "/api/user.list", 403, "token_scope"),
                (reader, "/api/token.list", 403, "token_scope"), (reader, "/api/openapi.json", 200, ""),
                (rules, "/api/rule.list", 200, ""), (rules, "/api/incident.list", 403, "token_scope"),
                (rules, "/api/search?query=x", 403, "token_scope"), (metrics, "/api/rule.list", 403, "token_scope"),
                (reader[:-1], "/api/incident.list", 401, "token_refused"),
                ("", "/api/incident.list", 401, "session_ended"))
        for token, path, code, error in rows:
            check_equal(status(service, path, token), (code, error), path)
        for path, body, error in (("/api/rule.save", {"id": "x"}, "token_scope"),
                                  ("/api/user.save", {"user": {"name": "eve"}}, "token_scope"),
                                  ("/api/token.make", {"name": "a"}, "token_scope"),
                                  ("/api/retention.propose", {"segments": [0]}, "token_scope")):
            check_equal(status(service, path, reader, "POST", body), (403, error), path)
        made = {"object": {"name": "by a program", "class": 1, "contour": "internal", "owner": "o"}}
        check_equal(status(service, "/api/object.save", make(web, "objects"), "POST", made), (200, ""), "a change")
        for words, count in (("object.saved through", 1), ("token.refused", 1), ("token.made", 4)):
            deadline = time.time() + 20
            while len(service.search(words)) < count and time.time() < deadline:
                time.sleep(0.3)
            check(len(service.search(words)) >= count, words)
        service.quiet()


def tokens_end():
    """a token ends with its time, by a person, with its person, and holds only where it may come from"""
    with Service() as service:
        web = Web(service)
        short, ended, elsewhere = make(web, "read", seconds=4), make(web, "read"), make(web, "read",
                                                                                         addresses="192.0.2.0/24")
        begin = time.time()
        check_equal(status(service, "/api/incident.list", short)[0], 200, "while it holds")
        check_equal(status(service, "/api/incident.list", elsewhere), (401, "token_refused"), "from elsewhere")
        number = next(row["id"] for row in web.ask("token.list")["tokens"]
                      if row["used_ns"] == 0 and not row["addresses"])
        check_equal(web.change("token.end", id=number)["ok"], True, "its end")
        check_equal(status(service, "/api/incident.list", ended), (401, "token_refused"), "when it was ended")
        time.sleep(max(0, begin + 4.5 - time.time()))
        check_equal(status(service, "/api/incident.list", short), (401, "token_refused"), "after its time")
        check_equal(web.change("token.make", name="a", scopes=["read"], password="wrong",
                               until_ns=int((time.time() + 60) * 1e9))["error"], "sign_in_refused", "a wrong password")
        service.quiet()


def files_need_their_scope():
    """a scanner's file comes with a token for vulnerabilities, and what it changes says through what"""
    with Service() as service:
        web = Web(service)
        with open(os.path.join(ROOT, "fuzz", "scan_report", "nmap.xml"), encoding="utf-8") as sample:
            report = sample.read()
        path = "/api/upload?object=1&origin=survey&name=scan.xml"
        for scope, wanted in (("read", 403), ("vulnerabilities", 200)):
            context = ssl._create_unverified_context()
            link = http.client.HTTPSConnection("127.0.0.1", service.ports["web-port"], timeout=30, context=context)
            link.request("POST", path, report, {"Authorization": f"Bearer {make(web, scope)}",
                                                "Content-Type": "application/octet-stream"})
            answer = link.getresponse()
            check_equal(answer.status, wanted, f"{scope}: {answer.read()}")
            link.close()
        end = time.time() + 20
        while not (found := service.search('type:lifecycle "upload.added"')) and time.time() < end:
            time.sleep(0.2)
        check_equal([json.loads(hit["raw"])["through"] for hit in found], ["ci"], "its record")
        service.quiet()


def calls_are_limited():
    """who asks too often is told how long to wait, and others are not held up"""
    with Service(api_calls_a_minute=60) as service:
        web = Web(service)
        first, second = make(web, "read"), make(web, "read")
        codes = [call(service, "/api/catalogue", first) for _ in range(30)]
        check_equal(sum(code == 200 for code, _, _ in codes) in range(20, 26), True, [code for code, _, _ in codes])
        code, headers, text = codes[-1]
        check_equal((code, json.loads(text)["error"]), (429, "rate_limited"), "the last")
        check(1 <= int(headers["Retry-After"]) <= 2, headers["Retry-After"])
        check_equal(call(service, "/api/catalogue", second)[0], 200, "another token")
        time.sleep(int(headers["Retry-After"]) + 0.1)
        check_equal(call(service, "/api/catalogue", first)[0], 200, "after the wait")
        wrong = [call(service, "/api/catalogue", "qorgan_00")[0] for _ in range(30)]
        check(wrong[0] == 401 and 429 in wrong, wrong)
        service.quiet()


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        path = node["$ref"]
        check(path.startswith("#/"), path)
        node = document
        for part in path[2:].split("/"):
            node = node[part]
    return node


def schema_holds(document, schema, where):
    schema = resolve(document, schema)
    check(schema.get("type") in ("object", "array", "string", "integer", "boolean"), f"{where}: {schema}")
    if schema["type"] == "array":
        schema_holds(document, schema["items"], where + "[]")
    for name, part in schema.get("properties", {}).items():
        schema_holds(document, part, f"{where}.{name}")


def document_holds():
    """every question of the document is one that the service answers, and its schemas lead somewhere"""
    with Service() as service:
        web = Web(service)
        token = make(web, *SCOPES)
        code, headers, text = call(service, "/api/openapi.json", token)
        check_equal((code, headers["Content-Type"].split(";")[0]), (200, "application/json"), "the document")
        document = json.loads(text)
        check_equal(document["openapi"], "3.1.0", "its version")
        check(document["info"]["title"] and document["info"]["version"], document["info"])
        names = set()
        for path, item in document["paths"].items():
            check_equal(len(item), 1, path)
            (method, operation), = item.items()
            check(method in ("get", "post"), method)
            check(operation["operationId"] not in names, operation["operationId"])
            names.add(operation["operationId"])
            for choice in operation["security"]:
                for scheme, scopes in choice.items():
                    check(scheme in document["components"]["securitySchemes"] and set(scopes) <= SCOPES, choice)
            for response in operation["responses"].values():
                response = resolve(document, response)
                check(response["description"], path)
                for media in response["content"].values():
                    schema_holds(document, media["schema"], path)
            for parameter in operation.get("parameters", []):
                check_equal(parameter["in"], "query", path)
                schema_holds(document, parameter["schema"], f"{path}?{parameter['name']}")
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]
                if path not in FILES:
                    schema_holds(document, content["application/json"]["schema"], path)
            answered = call(service, path, token, method.upper(), {} if method == "post" else None)
            check(answered[0] not in (404, 405) or json.loads(answered[2])["error"] not in ("no_page", "method"),
                  f"{path}: {answered[2]}")
            if '"error":"malformed"' in answered[2]:
                raise AssertionError(f"{path} is a question that nobody knows: {answered[2]}")
            if path in ("/api/openapi.json", *FILES):  # no questions: nobody knows them
                continue
            other = call(service, path, token, "GET" if method == "post" else "POST", {} if method == "get" else None)
            programs = any("token" in choice for choice in operation["security"])  # others are refused before
            check_equal(other[0], 405 if programs else 403, f"{path} the other way")
        service.quiet()


def parsed(text):
    """{metric: {labels: value}}, by the grammar of the format; every sample stands under its own TYPE"""
    found, kind = {}, None
    check(text.endswith("\n"), "the last line ends")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            check(len(line.split(" ", 3)) == 4, line)
        elif line.startswith("# TYPE "):
            _, _, name, kind_of = line.split(" ")
            check(NAME.fullmatch(name) and kind_of in ("counter", "gauge") and name not in found, line)
            check(name.endswith("_total") == (kind_of == "counter"), line)
            found[name] = {}
            kind = name
        else:
            head, value = line.rsplit(" ", 1)
            name, _, rest = head.partition("{")
            check_equal(name, kind, line)
            labels, at = [], 0
            if rest:
                check(rest.endswith("}"), line)
                while at < len(rest) - 1:
                    match = LABEL.match(rest[:-1], at)
                    check(match, line)
                    labels.append(match.group(1, 2))
                    at = match.end()
            check(tuple(labels) not in found[name], f"twice: {line}")
            found[name][tuple(labels)] = float(value)
    return found


def metrics_are_read():
    """/metrics is guarded, is what a reader of Prometheus takes, and counts what came"""
    with Service() as service:
        web = Web(service)
        token = make(web, "metrics")
        check_equal(call(service, "/metrics", make(web, "read"))[0], 403, "another scope")
        check_equal(call(service, "/metrics", "qorgan_00")[0], 401, "no token")
        for i in range(20):
            service.udp(f"<13>1 2026-11-20T10:00:0{i % 10}Z host app - - - line {i}".encode())
        service.wait_for("line", 20)
        deadline = time.time() + 30
        while True:
            code, headers, text = call(service, "/metrics", token)
            check_equal(code, 200, "the metrics")
            found = parsed(text)
            if found["qorgan_records_received_total"].get((), 0) >= 20 or time.time() > deadline:
                break
            time.sleep(0.5)
        check_equal(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8", "its kind")
        check(found["qorgan_records_received_total"][()] >= 20, found["qorgan_records_received_total"])
        check_equal(set(found["qorgan_part_up"].values()), {1.0}, "every part answered")
        check_equal(list(found["qorgan_build_info"].values()), [1.0], "one version")
        check(found["qorgan_disk_free_bytes"][()] > 0 and found["qorgan_rules"][()] > 0, text)
        check_equal(found["qorgan_tokens"][()], 2.0, "tokens")
        service.quiet()
        promtool = shutil.which("promtool")
        if not promtool:
            raise Skip("beyond this script's own parser: promtool is not here")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        check_equal(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    raise SystemExit(main([scopes_hold, tokens_end, files_need_their_scope, calls_are_limited, document_holds,
                           metrics_are_read]))
