from avser_cli.experiments import provenance


def test_the_run_format_and_the_versions_count(monkeypatch):
    known = provenance.training_environment()
    for name, value in (("RUN_FORMAT", 0), ("version", lambda library: "0")):
        with monkeypatch.context() as patch:
            patch.setattr(provenance, name, value)
            provenance.training_environment.cache_clear()
            assert provenance.training_environment() != known
    provenance.training_environment.cache_clear()
