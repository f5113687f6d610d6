"""Results are held on a link because they may be wrong, and two people let them go on: real relay, keeper and console. Who asks is not the second, no bypass gets
around it, and the ledger names both, after a restart too."""
import os
import shutil

import lab
import links
from browser import PASSWORD, Browser, set_up

OTHER = "lantern gravel pumice 31"


def second_manager(run, ada):
    status, made = ada.ask("POST", "/people", {"name": "bo", "display_name": "Bo", "role": "lab manager", "why": "the second one", "password": PASSWORD})
    lab.ok(status == 201, "a second lab manager is invited", made)
    bo = Browser(run)
    status, answer = bo.ask("POST", "/invitation", {"name": "bo", "code": made["code"], "password": OTHER})
    lab.ok(status == 200 and answer["person"]["roles"] == ["lab manager"], "and comes in", answer)
    return bo


def chem(browser):
    return next((x for x in browser.ask("GET", "/links")[1]["items"] if x["name"] == "chem"), {})


def decide(browser, what, on, why, password, **more):
    return browser.ask("POST", f"/links/chem/{what}", {"on": on, "reason": why, "password": password, **more})


def acts(browser, event):
    return [(a["person"], a["why"]) for a in browser.ask("GET", f"/acts?event={event}&limit=200")[1]["items"]]


def held(ada, lis, analyzer):
    status, answer = decide(ada, "hold", True, "the potassium values look wrong", PASSWORD, doubt=True)
    lab.ok(status == 200 and lab.wait(lambda: chem(ada).get("state") == "held"), "results are held because they may be wrong", answer)
    analyzer.say(links.message("D1"))
    lab.ok(analyzer.hear(3) is None and not lis.taken, "nothing goes to the LIS", lis.taken)


def one_alone(ada, lis):
    for again in ("", ", however often"):
        status, answer = decide(ada, "hold", False, "compared with the analyzer, they are right", PASSWORD)
        lab.ok((status, answer["code"]) == (409, "second-person"), f"one person alone does not let them go on{again}", answer)
    lab.ok(answer["detail"].startswith("Pedido y anotado."), "and hears so in her language", answer)
    status, answer = decide(ada, "bypass", True, "we need them", PASSWORD)
    lab.ok((status, answer["code"]) == (409, "doubt"), "no bypass gets around it", answer)
    now = chem(ada)
    lab.ok(now["state"] == "held" and now["doubt"] and now["go_on_asked_by"] == "ada" and now["go_on_until"], "the link says who asked, and waits", now)
    lab.ok(not lis.taken, "still nothing went on", lis.taken)


def the_other_agrees(ada, bo, lis, analyzer):
    lab.ok(chem(bo)["go_on_asked_by"] == "ada", "the other one sees it")
    status, answer = decide(bo, "hold", False, "I compared them too", "not bo's password")
    lab.ok((status, answer["code"]) == (403, "wrong-password") and not lis.taken, "who cannot show that it is they is no second person", answer)
    status, answer = decide(bo, "hold", False, "I compared them too", OTHER)
    lab.ok(status == 200, "the other one agrees", answer)
    lab.ok(lab.wait(lambda: len(lis.taken) == 1) and analyzer.hear() == ("AA", "D1"), "then they go on, and the analyzer hears of it", lis.taken)
    lab.wait(lambda: chem(ada)["state"] == "up")
    now = chem(ada)
    lab.ok(now["state"] == "up" and not now["doubt"] and now["go_on_asked_by"] is None, "the hold is over", now)


def on_the_ledger(browser, when):
    done = [why for person, why in acts(browser, "link.held") if person == "bo"]
    lab.ok(done == ["I compared them too (ada asked for it first: compared with the analyzer, they are right)"], f"the ledger names both{when}", done)
    refused = [person for person, why in acts(browser, "request.refused") if why == "second-person"]
    lab.ok(refused == ["ada", "ada"], f"and that one alone was refused{when}", refused)


def main():
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        lis, port = links.Lis(), lab.free_port()
        more = links.yaml({"name": "chem", "listen": f"127.0.0.1:{port}", "forward": f"127.0.0.1:{lis.port}", "protocol": "mllp"})
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = set_up(run, language="es")
            bo = second_manager(run, ada)
            lab.wait(lambda: chem(ada).get("state") == "up")
            with links.Analyzer(port) as analyzer:
                held(ada, lis, analyzer)
                one_alone(ada, lis)
                the_other_agrees(ada, bo, lis, analyzer)
            on_the_ledger(ada, "")
            decide(ada, "hold", True, "once more", PASSWORD, doubt=True)
            decide(ada, "hold", False, "these are right as well", PASSWORD)
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
        shutil.rmtree(os.path.join(data, "store"))
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = Browser(run)
            lab.ok(ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200, "the views are made anew")
            done = [why for person, why in acts(ada, "link.held") if person == "bo"]
            lab.ok(len(done) == 1 and "ada asked for it first" in done[0], "they name both as well", done)
            lab.ok(lab.wait(lambda: chem(ada).get("state") == "held") and chem(ada)["go_on_asked_by"] is None,
                   "what is held stays held, and a wish does not outlive the program: both ask again", chem(ada))
        lis.close()
    lab.finish()


main()
