// When what a pattern is about happened. Detection writes it; here it follows from the evidence, of which
// there are at most 200, the newest.
// Cost: one write of every pattern. Undo: REMOVE p.first_at, p.last_at.
MATCH (p:Pattern)-[:DERIVED_FROM]->(e)
WHERE p.last_at IS NULL AND e.occurred_at IS NOT NULL
WITH p, min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at
SET p.first_at = first_at, p.last_at = last_at;
