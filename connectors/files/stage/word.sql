-- One row per list of words and word in use, with its meaning. A word with the same capitals comes first.
with used as (
    select source, register || '.status' as field, status as word from stage.files_entry
    union
    select source, kind_field, kind from stage.files_entry
    union
    select source, severity_field, severity from stage.files_entry
    union
    select source, result_field, result from stage.files_entry
),
candidate as (
    select u.source, u.field, u.word, v.canonical, case when v.vendor = u.word then 1 else 2 end as rank
    from used u
    join stage.value v
        on v.source = u.source and v.field = u.field
        and lower(trim(regexp_replace(v.vendor, '\s+', ' ', 'g')))
        = lower(trim(regexp_replace(u.word, '\s+', ' ', 'g')))
)
select source, field, word, arg_min(canonical, (rank, canonical)) as canonical
from candidate
group by source, field, word
