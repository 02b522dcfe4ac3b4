-- One row per SLA, OLA or underpinning-contract definition.
select
    d.source || ':sla_definition:' || d.sys_id as sla_definition_id,
    d.source,
    d.name,
    coalesce(type.canonical, 'unknown') as type,
    coalesce(type.label, d.type) as original_type,
    coalesce(target.canonical, 'other') as target,
    case d.collection
        when 'change_request' then 'change'
        when 'sc_req_item' then 'service_request'
        else d.collection
    end as entity,
    d.duration as target_seconds,
    coalesce(d.active, true) as is_active,
    d.evidence_id,
    s.url || '/nav_to.do?uri=contract_sla.do?sys_id=' || d.sys_id as source_url
from stage.servicenow__contract_sla d
join stage.source s on s.source = d.source
left join stage.servicenow_meaning type
    on type.source = d.source and type.table_name = 'contract_sla' and type.element = 'type' and type.value = d.type
left join stage.servicenow_meaning target
    on target.source = d.source and target.table_name = 'contract_sla' and target.element = 'target'
    and target.value = d.target
