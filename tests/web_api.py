"""web_api.py - signs in to a running service's pages, as a person would, and asks the HTTP API (doc/api.md)."""
import http.client
import json
import re
import ssl
import urllib.parse

PASSWORD = "a longer password of the tests 7"


class Web:
    """One session. Signing in changes the first password, which the service demands."""

    def __init__(self, service):
        self.port = service.ports["web-port"]
        self.origin = f"https://127.0.0.1:{self.port}"
        self.cookies = {}
        self.csrf = ""
        self.sign_in(service.user, service.password)
        service.password = PASSWORD

    def request(self, method, path, body=None, headers=None):
        context = ssl._create_unverified_context()  # the certificate of a first start signs itself
        link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        head = {"Origin": self.origin, "Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
        try:
            link.request(method, path, body=body, headers={**head, **(headers or {})})
            answer = link.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            link.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            key, value = cookie.split(";")[0].split("=", 1)
            self.cookies[key] = value
        return answer.status, answer.headers, text

    def form(self, path, at=None, **fields):
        """Opens the page (`at`, else the same path) for its secret, then sends its form; where the answer leads."""
        _, _, page = self.request("GET", at or path)
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        if not found:
            raise RuntimeError(f"{path} holds no form: {page[:400]}")
        self.csrf = found.group(1)
        body = urllib.parse.urlencode({"csrf": self.csrf, **fields})
        status, headers, text = self.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        if status not in (302, 303):
            raise RuntimeError(f"POST {path}: {status} {text[:2000]}")
        return headers.get("Location")

    def sign_in(self, user, password):
        place = self.form("/sign-in", user=user, password=password)
        if place == "/password":
            self.form("/password", old=password, new=PASSWORD, again=PASSWORD)
        _, _, page = self.request("GET", "/password")  # the forms of a session hold the session's secret
        self.csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page).group(1)

    def ask(self, name, /, **members):
        query = urllib.parse.urlencode(members)
        _, _, text = self.request("GET", f"/api/{name}" + (f"?{query}" if query else ""))
        return json.loads(text)

    def search(self, **members):
        """Asks on by the token until the search is done."""
        found = self.ask("search", **members)
        while "job" in found:
            found = self.ask("search", job=found["job"])
        return found

    def change(self, name, /, **members):
        headers = {"Content-Type": "application/json", "X-CSRF-Token": self.csrf}
        _, _, text = self.request("POST", f"/api/{name}", json.dumps(members), headers)
        return json.loads(text)
