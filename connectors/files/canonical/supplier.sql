-- One row per supplier of the register.
select
    e.source || ':supplier:' || e.number as supplier_id,
    e.source,
    e.title as name,
    coalesce(kind.canonical, 'unknown') as kind,
    coalesce(state.canonical, 'unknown') as state,
    e.status as original_state,
    e.severity as criticality,
    e.owner,
    e.service,
    e.reference as contract,
    e.opened_on as contract_from_on,
    e.valid_until as contract_until,
    e.interval_months as review_interval_months,
    e.reviewed_on,
    e.review_on,
    e.evidence_id,
    s.url || '/suppliers.csv' as source_url
from stage.files_entry e
join stage.source s on s.source = e.source
left join stage.files_word state
    on state.source = e.source and state.field = 'suppliers.status' and state.word = e.status
left join stage.files_word kind
    on kind.source = e.source and kind.field = 'suppliers.kind' and kind.word = e.kind
where e.register = 'suppliers'
