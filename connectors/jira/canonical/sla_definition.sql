-- One row per SLA of the site, as its clocks name it. Which one is an OLA or an underpinning contract, the
-- configuration says.
select
    c.source || ':sla_definition:' || c.sla_id as sla_definition_id,
    c.source,
    c.name,
    coalesce(min(type.canonical), 'sla') as type,
    c.name as original_type,
    coalesce(min(target.canonical), 'other') as target,
    case when min(c.target_seconds) = max(c.target_seconds) then min(c.target_seconds) end as target_seconds,
    true as is_active,
    max(c.evidence_id) as evidence_id
from stage.jira_clock c
left join stage.value type
    on type.source = c.source and type.field = 'sla_definition.type' and type.vendor = c.name
left join stage.value target
    on target.source = c.source and target.field = 'sla_definition.target' and target.vendor = c.name
group by c.source, c.sla_id, c.name
