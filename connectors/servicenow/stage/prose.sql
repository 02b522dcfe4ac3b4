-- One row per problem or change with a long text: its texts, those that say nothing left out. That is white space, and
-- mark-up around nothing: a rich-text field that was emptied keeps its tags.
with told as (
    select
        c.source, c.sys_id,
        unnest([
            {'name': 'justification', 'text': c.justification},
            {'name': 'assessment', 'text': c.risk_impact_analysis},
            {'name': 'implementation_plan', 'text': c.implementation_plan},
            {'name': 'backout_plan', 'text': c.backout_plan},
            {'name': 'test_plan', 'text': c.test_plan},
            {'name': 'review', 'text': c.review_comments}
        ]) as one
    from stage.servicenow__change_request c
    union all
    select
        p.source, p.sys_id,
        unnest([
            {'name': 'root_cause', 'text': p.cause_notes},
            {'name': 'workaround', 'text': p.workaround},
            {'name': 'fix', 'text': p.fix_notes}
        ])
    from stage.servicenow__problem p
),
written as (
    select
        t.source, t.sys_id, t.one.name as name,
        trim(t.one.text, ' ' || chr(9) || chr(10) || chr(13) || chr(160)) as text
    from told t
    where t.one.text like '%<img%'
        or regexp_matches(regexp_replace(t.one.text, '<[^>]*>|&nbsp;', '', 'g'), '[^\s\xa0]')
)
select
    w.source,
    w.sys_id,
    max(case when w.name = 'justification' then w.text end) as justification,
    max(case when w.name = 'assessment' then w.text end) as assessment,
    max(case when w.name = 'implementation_plan' then w.text end) as implementation_plan,
    max(case when w.name = 'backout_plan' then w.text end) as backout_plan,
    max(case when w.name = 'test_plan' then w.text end) as test_plan,
    max(case when w.name = 'review' then w.text end) as review,
    max(case when w.name = 'root_cause' then w.text end) as root_cause,
    max(case when w.name = 'workaround' then w.text end) as workaround,
    max(case when w.name = 'fix' then w.text end) as fix
from written w
group by w.source, w.sys_id
