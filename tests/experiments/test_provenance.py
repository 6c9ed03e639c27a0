from avser_cli.experiments import provenance


def test_the_run_format_and_the_versions_count(monkeypatch):
    known = provenance.engine_version()
    for name, value in (("RUN_FORMAT", 0), ("version", lambda library: "0")):
        with monkeypatch.context() as patch:
            patch.setattr(provenance, name, value)
            provenance.engine_version.cache_clear()
            assert provenance.engine_version() != known
    provenance.engine_version.cache_clear()
