-- One row per issue that has long texts: the texts in plain words, whether the site stores them as a document tree (one
-- line a paragraph) or as a string.
with told as (
    select
        i.source, i.id,
        unnest([
            {'name': 'implementation_plan', 'text': i.implementation_plan},
            {'name': 'backout_plan', 'text': i.backout_plan},
            {'name': 'test_plan', 'text': i.test_plan},
            {'name': 'root_cause', 'text': i.root_cause},
            {'name': 'workaround', 'text': i.workaround},
            {'name': 'fix', 'text': i.fix},
            {'name': 'review', 'text': i.review},
            {'name': 'assessment', 'text': i.assessment}
        ]) as one
    from stage.jira__issue i
),
kept as (
    select
        t.source, t.id, t.one.name as name, t.one.text as text,
        case
            when json_valid(t.one.text)
                then case when t.one.text ->> '$.type' = 'doc' then cast(t.one.text as json) end
        end as document
    from told t
    where t.one.text is not null
),
piece as (
    select
        k.source, k.id, k.name,
        node.id as place,
        regexp_replace(node.path, '\[\d+\](\.attrs)?$', '') as paragraph,
        case when node.key = 'text' then node.atom ->> '$' else chr(10) end as text
    from kept k, json_tree(k.document) node
    where node.key = 'text' or node.key = 'type' and node.atom ->> '$' = 'hardBreak'
),
line as (
    select
        p.source, p.id, p.name,
        min(p.place) as place,
        string_agg(p.text, '' order by p.place) as text
    from piece p
    group by p.source, p.id, p.name, p.paragraph
),
plain as (
    select l.source, l.id, l.name, string_agg(l.text, chr(10) order by l.place) as text
    from line l
    where regexp_matches(l.text, '[^\s\xa0]')
    group by l.source, l.id, l.name
    union all
    select k.source, k.id, k.name, k.text
    from kept k
    where k.document is null and regexp_matches(k.text, '[^\s\xa0]')
),
trimmed as (
    select p.source, p.id, p.name, trim(p.text, ' ' || chr(9) || chr(10) || chr(13) || chr(160)) as text
    from plain p
)
select
    t.source,
    t.id,
    max(case when t.name = 'implementation_plan' then t.text end) as implementation_plan,
    max(case when t.name = 'backout_plan' then t.text end) as backout_plan,
    max(case when t.name = 'test_plan' then t.text end) as test_plan,
    max(case when t.name = 'root_cause' then t.text end) as root_cause,
    max(case when t.name = 'workaround' then t.text end) as workaround,
    max(case when t.name = 'fix' then t.text end) as fix,
    max(case when t.name = 'review' then t.text end) as review,
    max(case when t.name = 'assessment' then t.text end) as assessment
from trimmed t
group by t.source, t.id
