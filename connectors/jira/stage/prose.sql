-- One row per issue: its long texts as plain text, whether the site stores them as a document tree or as a string.
with tall as (
    select source, id, 'implementation_plan' as name, implementation_plan as text from stage.jira__issue
    union all
    select source, id, 'backout_plan', backout_plan from stage.jira__issue
    union all
    select source, id, 'test_plan', test_plan from stage.jira__issue
    union all
    select source, id, 'root_cause', root_cause from stage.jira__issue
    union all
    select source, id, 'workaround', workaround from stage.jira__issue
    union all
    select source, id, 'fix', fix from stage.jira__issue
    union all
    select source, id, 'review', review from stage.jira__issue
    union all
    select source, id, 'assessment', assessment from stage.jira__issue
),
plain as (
    select
        source, id, name,
        nullif(trim(case
            when starts_with(text, '{') and json_valid(text)
                then array_to_string(json_extract_string(text, '$..text'), ' ')
            else text
        end), '') as text
    from tall
    where text is not null
)
select
    source, id,
    max(case when name = 'implementation_plan' then text end) as implementation_plan,
    max(case when name = 'backout_plan' then text end) as backout_plan,
    max(case when name = 'test_plan' then text end) as test_plan,
    max(case when name = 'root_cause' then text end) as root_cause,
    max(case when name = 'workaround' then text end) as workaround,
    max(case when name = 'fix' then text end) as fix,
    max(case when name = 'review' then text end) as review,
    max(case when name = 'assessment' then text end) as assessment
from plain
group by source, id
