-- One row per object that an issue names: its name and class are in Assets, which is not read.
select
    i.source || ':configuration_item:' || i.item_key as configuration_item_id,
    i.source,
    arg_max(i.name, (i.updated, i.evidence_id)) filter (where i.name is not null) as name,
    arg_max(i.evidence_id, (i.updated, i.evidence_id)) as evidence_id
from stage.jira_item i
group by i.source, i.item_key
