-- One row per word of a choice list: what a value of a field means in this instance, in English where it has English.
select
    c.source,
    c.name as table_name,
    c.element,
    c.value,
    coalesce(max(case when c.language = 'en' then c.label end), min(c.label)) as label
from stage.servicenow__sys_choice c
where c.value is not null and not coalesce(c.inactive, false)
group by c.source, c.name, c.element, c.value
