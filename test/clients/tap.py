"""TAP output for the Python client tests."""
import traceback

_count = 0
_failed = 0


def ok(condition, name):
    global _count, _failed
    _count += 1
    _failed += not condition
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)


def equal(got, wanted, name):
    same = got == wanted
    ok(same, name)
    if not same:
        print(f"# got    {got!r:.500}\n# wanted {wanted!r:.500}", flush=True)


def raises(sqlstate, function, name):
    """Check that function() fails with this SQLSTATE."""
    try:
        function()
    except Exception as error:
        error = getattr(error, "orig", error)
        equal(getattr(error, "sqlstate", repr(error)), sqlstate, name)
    else:
        ok(False, f"{name}: no error")


def run(main):
    """Run main() and print the plan; an exception counts as a failure."""
    try:
        main()
    except Exception:
        ok(False, "ran to the end")
        print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    print(f"1..{_count}", flush=True)
    raise SystemExit(_failed > 0)
