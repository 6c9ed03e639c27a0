from avser_cli.learn import engine


def test_comments_and_docstrings_do_not_count():
    plain = "def f(x):\n    return x + 1\n"
    dressed = '"""Room."""\n\n\ndef f(x):  # why\n    """Add one."""\n    return (x + 1)\n'
    assert engine._bare(plain) == engine._bare(dressed)
    assert engine._bare(plain) != engine._bare(plain.replace("1", "2"))


def test_what_trains_counts_and_what_only_tells_does_not(tmp_path, monkeypatch):
    known = engine.engine_version()
    for room in engine.ROOMS:
        (tmp_path / room).mkdir()
        for path in (engine.PACKAGE / room).glob("*.py"):
            (tmp_path / room / path.name).write_text(path.read_text())
    monkeypatch.setattr(engine, "PACKAGE", tmp_path)
    for name, changes in (("store", False), ("networks", True)):
        path = tmp_path / "learn" / f"{name}.py"
        path.write_text(path.read_text() + "\nX = 1\n")
        engine.engine_version.cache_clear()
        assert (engine.engine_version() != known) == changes
    engine.engine_version.cache_clear()


def test_bystanders_exist():
    assert all((engine.PACKAGE / "learn" / f"{name}.py").exists() for name in engine.BYSTANDERS)
