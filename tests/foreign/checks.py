"""What its author tests with the kit, as it comes with the wheel."""

import waiter
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import orthanc_jobs
from orthanc_jobs.testing import machine_for

SCENARIOS = ["path/start/succeed", "path/start/fail", "trap/retry", "trap/no-history", "trap/texts"]


def test_my_client_waits_as_it_should(orthanc_jobs_scenarios):
    orthanc_jobs_scenarios(waiter.wait, scenarios=SCENARIOS)


def test_my_client_on_a_server_that_does_as_it_is_told(orthanc_jobs_server):
    job = orthanc_jobs_server.control.job()
    assert waiter.state(orthanc_jobs_server.url, job) == "Running"
    orthanc_jobs_server.control.succeed(job)
    assert waiter.wait(orthanc_jobs_server.url, job)


def test_what_i_may_ask_for(orthanc_jobs_table):
    assert orthanc_jobs_table.may("Paused", "resume")
    assert not orthanc_jobs_table.may("Success", "resume")


def test_a_run_is_data():
    report = orthanc_jobs.run("reference", case=["action/pause/paused"])
    assert report.conforms, report.told


def test_the_search_on_my_own_server(orthanc_jobs_server):
    few = settings(max_examples=2, stateful_step_count=5, deadline=None, phases=[Phase.generate])
    run_state_machine_as_test(machine_for(orthanc_jobs_server.url), settings=few)
