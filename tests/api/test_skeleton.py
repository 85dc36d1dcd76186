def test_code_runs_in_a_new_project(testuser):
    project = testuser.project()
    reply = testuser.execute(project, "x <- 1 + 1", robjects="x")
    assert reply["workspace"]["objects"] == [{"name": "x", "type": "primitive", "rclass": "numeric", "value": 2.0}]
