-- One row per word of a choice list: what a value of a field means in this instance. English comes first, since the
-- words are matched in English; a word out of use still tells what old records mean.
select
    c.source,
    c.name as table_name,
    c.element,
    c.value,
    arg_min(
        trim(c.label),
        (
            case when c.language = 'en' then 0 else 1 end,
            case when coalesce(c.inactive, false) then 1 else 0 end,
            trim(c.label)
        )
    ) as label
from stage.servicenow__sys_choice c
where c.value is not null and c.label is not null
group by c.source, c.name, c.element, c.value
