"""Clients from PyPI against our server: `clients.py URL LIMITED_URL VERL_MODULE`, the second one with a key in it that
may send one request a second.

verl's module is loaded by its path, without the package around it, which pulls in torch and ray.
"""

import concurrent.futures
import importlib.util
import sys


def verl(url, limited, path):
    spec = importlib.util.spec_from_file_location("verl_sandbox_fusion", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def check(what, expect, generation, inputs, outputs, timeout=10, server=url, **more):
        in_outs = {"inputs": inputs, "outputs": outputs, **more}
        results, told = module.check_correctness(f"{server}/run_code", in_outs, generation, timeout=timeout)
        assert results == expect, f"verl, {what}: {results} instead of {expect}: {told}"

    double = "print(int(input()) * 2)"
    check("right", [True, True], double, ["1\n", "21\n"], ["2\n", "42"])
    check("wrong", [False, True], double, ["1\n", "2\n"], ["3", "4"])
    check("runtime error", [-2], "1 / 0", [""], [""])
    check("exit status", [-2], "raise SystemExit(3)", [""], [""])
    check("syntax error", [-2], "def f(:", [""], [""])
    check("timeout", [-3], "while True: pass", [""], [""], timeout=1)
    check("empty stdin", [True], "import sys; print(len(sys.stdin.read()))", [None], ["0"])
    check("fn_name", [True, False], "def add(a, b):\n    return a + b", ["1\n2", "1\n3"], ["3", "5"], fn_name="add")
    check("fn_name of a class", [True], "class Solution:\n    def f(self, x: List[int]):\n        return x[::-1]",
          ["[1, 2]"], ["[2, 1]"], fn_name="f")
    check("fn_name, not there", [False], "x = 1", ["1"], ["1"], fn_name="f")
    check("asserts", [True, -2], "def f(x):\n    return x", ["", ""], [None, None],
          assert_case=["assert f(1) == 1", "assert f(1) == 2"])
    # What comes too early is a 504, which it sends again.
    check("a key that has sent enough", [True, True], double, ["1\n", "2\n"], ["2\n", "4\n"], server=limited)
    count = 100
    check("many at a time", [True] * count, double, [f"{n}\n" for n in range(count)], [f"{2 * n}" for n in range(count)])
    results, _ = module.check_correctness(f"{url}/run_code", {"inputs": [""], "outputs": [""]}, "pass", language="cpp")
    assert results == [-1], results


def sandbox_fusion(url):
    import sandbox_fusion as sdk

    sdk.set_endpoint(url)
    ran = sdk.run_code(sdk.RunCodeRequest(code="print(1)", language="python"))
    assert ran.status == sdk.RunStatus.Success and ran.run_result.stdout == "1\n", ran
    ran = sdk.run_code(sdk.RunCodeRequest(code="open('b', 'w').write(open('a').read())", language="python",
                                          files={"a": "aGk="}, fetch_files=["b"]))
    assert ran.files == {"b": "aGk="}, ran
    tested = "def test_a(tmp_path):\n    assert tmp_path.exists()\n\n\ndef test_b():\n    assert 1 + 1 == {}\n"
    for value, status, code in [(2, sdk.RunStatus.Success, 0), (3, sdk.RunStatus.Failed, 1)]:
        ran = sdk.run_code(sdk.RunCodeRequest(code=tested.format(value), language="pytest"))
        assert ran.status == status and ran.run_result.return_code == code, ran
        assert "collected 2 items" in ran.run_result.stdout, ran
    requests = [sdk.RunCodeRequest(code=f"print({n})", language="python") for n in range(50)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        printed = [ran.run_result.stdout for ran in pool.map(sdk.run_code, requests)]
    assert printed == [f"{n}\n" for n in range(50)], printed
    notebook = sdk.run_jupyter(sdk.RunJupyterRequest(cells=["x = 1", "print(x)", "x + 1", "1 / 0"]))
    assert [cell.stdout for cell in notebook.cells] == ["", "1\n", "", ""], notebook
    assert notebook.cells[2].display == [{"text/plain": "2"}], notebook
    assert notebook.cells[3].error[0]["ename"] == "ZeroDivisionError", notebook

    row = {"id": 11, "content": "Add two numbers.", "labels": {"test_setup_code": ""},
           "test": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]}
    config = sdk.TestConfig(provided_data=row)
    prompts = sdk.get_prompts(sdk.GetPromptsRequest(dataset="mbpp", config=sdk.TestConfig(provided_data=[row])))
    assert [prompt.id for prompt in prompts] == [11] and "assert add(1, 2)" in prompts[0].prompt, prompts
    for code, accepted in [("def add(a, b):\n    return a + b", True), ("def add(a, b):\n    return 0", False)]:
        request = sdk.SubmitRequest(dataset="mbpp", id=11, completion=f"```python\n{code}\n```", config=config)
        result = sdk.submit(request)
        assert result.accepted is accepted and result.extracted_code == code, result


def judge0(url):
    import judge0 as sdk

    client = sdk.Client(url)
    language = sdk.LanguageAlias.PYTHON
    ran = sdk.run(client=client, source_code="print(input())", language=language, stdin="hi")
    assert ran.stdout == "hi\n" and ran.status == sdk.Status.ACCEPTED, ran
    cases = [sdk.TestCase("1", "1"), sdk.TestCase("2", "3")]
    ran = sdk.run(client=client, source_code="print(input())", language=language, test_cases=cases)
    assert [each.status for each in ran] == [sdk.Status.ACCEPTED, sdk.Status.WRONG_ANSWER], ran
    for source, status in [("1 / 0", sdk.Status.RUNTIME_ERROR_NZEC), ("while True: pass", sdk.Status.TIME_LIMIT_EXCEEDED)]:
        ran = sdk.run(client=client, source_code=source, language=language, cpu_time_limit=1)
        assert ran.status == status, ran


def main(url, limited, path):
    for name, client in [("verl", lambda: verl(url, limited, path)), ("sandbox-fusion", lambda: sandbox_fusion(url)),
                         ("judge0", lambda: judge0(url))]:
        client()
        print(name, "ok", flush=True)


main(*sys.argv[1:])
