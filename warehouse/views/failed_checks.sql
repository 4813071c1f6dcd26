-- Checks of the input data that did not pass, the gravest first.
-- Grain: one row a run, check and symbol.
SELECT
    findings.run_id, runs.name, findings.severity, findings.check_name, findings.symbol, findings.n_unexpected, findings.unexpected_pct,
    findings.observed, findings.message
FROM findings
JOIN runs ON runs.run_id = findings.run_id
WHERE NOT findings.success
ORDER BY list_position(['critical', 'error', 'warning', 'info'], findings.severity), findings.run_id, findings.check_name, findings.symbol
