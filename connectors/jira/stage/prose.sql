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
        coalesce(case when json_valid(t.one.text) then t.one.text ->> '$.type' = 'doc' end, false) as is_document
    from told t
    where t.one.text is not null
),
paragraph as (
    select
        k.source, k.id, k.name,
        unnest(json_extract(k.text, '$..content')) as nodes,
        generate_subscripts(json_extract(k.text, '$..content'), 1) as place
    from kept k
    where k.is_document
),
line as (
    select
        p.source, p.id, p.name, p.place,
        array_to_string(list_transform(
            json_extract(p.nodes, '$[*]'),
            lambda node: coalesce(
                node ->> '$.text', node ->> '$.attrs.text',
                case when node ->> '$.type' = 'hardBreak' then chr(10) end, ''
            )
        ), '') as text
    from paragraph p
),
plain as (
    select l.source, l.id, l.name, string_agg(l.text, chr(10) order by l.place) as text
    from line l
    where regexp_matches(l.text, '[^\s\x{00a0}]')
    group by l.source, l.id, l.name
    union all
    select k.source, k.id, k.name, k.text
    from kept k
    where not k.is_document and regexp_matches(k.text, '[^\s\x{00a0}]')
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
