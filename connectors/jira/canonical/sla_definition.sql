-- One row per SLA by its name, which is that of its field: shown by the site's own fields and by the clocks that ran.
-- Which one is an OLA or an underpinning contract, the configuration says.
with told as (
    select
        f.source, f.name, false as is_running, cast(null as bigint) as target_seconds, f.evidence_id, 2 as rank
    from stage.jira__field f
    where f.schema_type = 'sd-servicelevelagreement' or f.schema_custom = 'com.atlassian.servicedesk:sd-sla-field'
    union all
    select c.source, c.name, true, c.target_seconds, c.evidence_id, 1
    from stage.jira_clock c
),
definition as (
    select
        t.source, t.name,
        bool_or(t.is_running) as is_active,
        case when min(t.target_seconds) = max(t.target_seconds) then min(t.target_seconds) end as target_seconds,
        arg_max(t.evidence_id, (t.rank, t.evidence_id)) as evidence_id
    from told t
    where t.name is not null
    group by t.source, t.name
)
select
    d.source || ':sla_definition:' || d.name as sla_definition_id,
    d.source,
    d.name,
    coalesce(type.canonical, 'sla') as type,
    coalesce(target.canonical, 'other') as target,
    d.target_seconds,
    d.is_active,
    d.evidence_id
from definition d
left join stage.value type
    on type.source = d.source and type.field = 'sla_definition.type' and type.vendor = d.name
left join stage.value target
    on target.source = d.source and target.field = 'sla_definition.target' and target.vendor = d.name
