-- One row per entry of a register.
select
    e.source || ':register_entry:' || e.register || '/' || e.number as register_entry_id,
    e.source,
    e.register,
    e.number,
    e.title,
    case
        when e.kind_field is null then e.kind
        when e.kind is not null then coalesce(kind.canonical, 'unknown')
    end as kind,
    coalesce(state.canonical, 'unknown') as state,
    e.status as original_state,
    case
        when e.severity_field is null then e.severity
        when e.severity is not null then coalesce(severity.canonical, 'unknown')
    end as severity,
    e.severity as original_severity,
    case when e.result is not null then coalesce(result.canonical, 'unknown') end as result,
    e.result as original_result,
    e.owner,
    e.party,
    e.service,
    nullif(trim(regexp_replace(e.clauses, '[\s,;]+', ' ', 'g')), '') as clauses,
    e.cause,
    e.impact,
    e.version,
    e.reference,
    e.change_number,
    e.report_period,
    e.items,
    e.opened_on,
    e.planned_on,
    e.approved_on,
    e.held_on,
    e.due_on,
    e.action_closed_on,
    e.closed_on,
    e.reviewed_on,
    e.review_on,
    e.effectiveness_reviewed_on,
    e.valid_until,
    e.interval_months,
    e.score,
    e.recovery_hours,
    e.amount,
    e.currency,
    e.source || ':register_entry:' || e.parent_id as parent_id,
    e.source || ':register_entry:' || e.related_id as related_id,
    e.evidence_id,
    s.url || '/' || e.register || '.csv' as source_url
from stage.files_entry e
join stage.source s on s.source = e.source
left join stage.files_word state
    on state.source = e.source and state.field = e.register || '.status' and state.word = e.status
left join stage.files_word kind on kind.source = e.source and kind.field = e.kind_field and kind.word = e.kind
left join stage.files_word severity
    on severity.source = e.source and severity.field = e.severity_field and severity.word = e.severity
left join stage.files_word result
    on result.source = e.source and result.field = e.result_field and result.word = e.result
