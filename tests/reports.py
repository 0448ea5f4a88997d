#!/usr/bin/env python3
"""Reports with the real service: made on the pages, the same for ever, their digest in the archive; what they count is
what the lists say."""
import hashlib
import http.client
import io
import json
import ssl
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
import zipfile

from service import Service, check, check_equal, main
from web_api import Web

FINDING = {"scanner": "nmap", "check": "c", "address": "192.0.2.1", "protocol": "tcp", "port": 22, "severity": 3,
           "component": "OpenSSH 7.4", "description": "Ескі нұсқа; әіңғүұқөһ"}


def download(web, path):
    context = ssl._create_unverified_context()  # the certificate of a first start signs itself
    link = http.client.HTTPSConnection("127.0.0.1", web.port, timeout=60, context=context)
    link.request("GET", path, headers={"Cookie": "; ".join(f"{key}={value}" for key, value in web.cookies.items())})
    answer = link.getresponse()
    data = answer.read()
    link.close()
    check_equal(answer.status, 200, path)
    return data


def section(content, key):
    return next(part for part in content["sections"] if part["key"] == key)


def cells(sheet):
    """Rows of a sheet, as the file has them: texts, and numbers as numbers."""
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    for row in xml.etree.ElementTree.fromstring(sheet).iter(name + "row"):
        found = [(cell.findtext(name + "v"), "".join(cell.itertext())) for cell in row.iter(name + "c")]
        yield [int(number) if number is not None else text for number, text in found]


def recorded(service):
    """The archive's record of the report; it comes within a minute, mostly at once."""
    deadline = time.time() + 60
    while time.time() < deadline:
        hits = service.search('type:lifecycle "report.made"')
        if hits:
            return json.loads(hits[0]["raw"])
        time.sleep(0.1)
    check(False, "the archive has no record of the report")
    return None


KAZAKH = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"


def paper(web, content):
    """Drawn twice the same, tagged; what others read in it are the letters and numbers of the report."""
    data = download(web, "/reports/1/report.pdf")
    check_equal(download(web, "/reports/1/report.pdf"), data, "the same bytes")
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        text, facts, tree = (subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
                             for command in (["pdftotext", "-layout", file.name, "-"], ["pdfinfo", file.name],
                                             ["pdfinfo", "-struct-text", file.name]))
    words = text.split()
    check(KAZAKH in words, text)
    for part in content["sections"]:
        for row in part["rows"]:
            missing = [cell for cell, column in zip(row, part["columns"])
                       if column[1] == "number" and str(cell) not in words]
            check(not missing, f"{part['key']}: {missing}")
    check(hashlib.sha256(download(web, "/reports/1/report.json")).hexdigest() in words, "the digest of the report")
    check("Tagged:          yes" in facts, facts)
    check("TH" in tree and f'"{KAZAKH}' in tree, tree)


def quarter():
    """The one that runs, five hours ahead of UTC."""
    now = time.gmtime(time.time() + 5 * 3600)
    return {"year": now.tm_year, "quarter": (now.tm_mon + 2) // 3}


def made_and_kept():
    """a summary counts what is there, stays as it is when that changes, and is recorded"""
    with Service() as service:
        web = Web(service)
        done = web.change("findings.note", object=1, title="a", origin="own", findings=[
            {**FINDING, "title": "one", "check": "1"}, {**FINDING, "title": "two", "check": "2", "severity": 4}])
        check(done["ok"], done)
        place = web.form("/reports/new?kind=summary_17", kind="summary_17", object=0,
                         violations=f"Бірінші бұзушылық\r\n{KAZAKH} </script>", **quarter())
        check_equal(place, "/reports/1", "where making one leads")
        data = download(web, "/reports/1/report.json")
        content = json.loads(data)
        # RFC 8785: members by their names (all are ASCII), no blanks, nothing escaped that need not be
        again = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        check_equal(data, again, "the only way to write it")
        check_equal(section(content, "vulnerabilities_severity")["rows"],
                    [["critical", 1, 1, 0, 0, 0], ["high", 1, 1, 0, 0, 0]], "what was found")
        check_equal(section(content, "documents")["rows"], [["Бірінші бұзушылық"], [f"{KAZAKH} </script>"]],
                    "words of a person")
        digest = hashlib.sha256(data).hexdigest()
        record = recorded(service)
        check_equal((record["sha256"], record["report"], record["bytes"]), (digest, "R-000001", len(data)),
                    "its record")
        ids = [row["id"] for row in web.ask("vulnerability.list")["vulnerabilities"]]
        check(web.change("vulnerability.act", ids=ids, act="fix", reason="updated")["ok"], "removed")
        check_equal(download(web, "/reports/1/report.json"), data, "the same, byte for byte")
        check(web.change("report.make", kind="summary_17", **quarter())["sha256"] != digest, "a later one is another")
        check_equal(web.ask("report.list")["reports"][1]["sha256"], digest, "the list")
        workbook(web, content)
        paper(web, content)
        service.quiet()


def workbook(web, content):
    """Every row of every table stands in it, numbers as numbers."""
    with zipfile.ZipFile(io.BytesIO(download(web, "/reports/1/report.xlsx"))) as book:
        check_equal(book.testzip(), None, "the workbook")
        rows = [row for name in sorted(book.namelist()) if name.startswith("xl/worksheets/")
                for row in cells(book.read(name))]
    for part in content["sections"]:
        for row in part["rows"]:
            numbers = [cell for cell, column in zip(row, part["columns"]) if column[1] == "number"]
            check(not numbers or any(numbers == [cell for cell in have if isinstance(cell, int)] for have in rows),
                  f"{part['key']}: {row}")
    check(["Бірінші бұзушылық"] in rows, "Kazakh letters")


if __name__ == "__main__":
    sys.exit(main([made_and_kept]))
