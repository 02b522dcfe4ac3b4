-- One row per figure that the record enters.
select metric, measure, period_start, is_in, is_met, excluded_because
from metrics.population
where record_id = $change_id
order by metric, measure, period_start
