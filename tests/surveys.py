#!/usr/bin/env python3
"""A year of surveys with the real service: planned through the API as it is proposed, agreed, one of them
finished, its term in the register, all of it in the archive."""
import sys
import time

from service import Service, check, check_equal, main
from web_api import Web

YEAR = 2027


def recorded(service, wanted):
    """How many the archive has, once it has as many; after a minute, what it has."""
    for _ in range(300):
        count = len(service.search('type:lifecycle "survey.planned"'))
        if count >= wanted:
            break
        time.sleep(0.2)
    return count


def plan():
    """what is proposed is taken in one act and stands; a second plan does not undo it"""
    with Service() as service:
        web = Web(service)
        proposed = web.ask("survey.plan", object=1, year=YEAR)
        check_equal(len(proposed["proposal"]), 16, "surveys that the order asks for")
        taken = {"object": 1, "year": YEAR, "version": proposed["version"], "surveys": proposed["proposal"]}
        check(web.change("survey.accept", **taken)["ok"], "the plan is taken")
        check_equal(web.change("survey.accept", **taken)["error"], "survey_changed", "taken twice")
        stands = web.ask("survey.list", year=YEAR, object=1)["surveys"]
        wanted = sorted((s["kind"], s["control"], s["first_day"], s["last_day"]) for s in proposed["proposal"])
        planned = sorted((s["kind"], s["control"], s["first_day"], s["last_day"]) for s in stands)
        check_equal(planned, wanted, "the plan")
        seen = [{"id": s["id"], "version": s["version"]} for s in stands]
        check(web.change("survey.act", act="agree", by="K", reference="letter 5", surveys=seen)["ok"], "it is agreed")
        first = web.ask("survey.get", id=stands[0]["id"])["survey"]
        for act in ("start", "finish"):
            done = web.change("survey.act", act=act, surveys=[{"id": first["id"], "version": first["version"]}])
            check(done["ok"], done)
            first = web.ask("survey.get", id=first["id"])["survey"]
        check_equal([c["clock"] for c in first["clocks"]], ["M-10"], "the term of the results")
        term = web.ask("clock.list", subject="survey")["terms"][0]
        check_equal((term["number"], term["clock"]), (first["number"], "M-10"), "in the register")
        check_equal(recorded(service, 16), 16, "records of the plan in the archive")
        _, _, page = web.request("GET", f"/objects/1/surveys?year={YEAR}")
        check('id="quotas"' in page and 'id="proposal"' not in page, "the page of the year")


if __name__ == "__main__":
    sys.exit(main([plan]))
