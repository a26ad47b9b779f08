// Detectors look at everything once more: a run beside a write might have passed over some of it.
// Why: the counter of changes could be read before the indexes held what it counted.
// Cost: one write of nine nodes a workspace; the next request in a workspace looks at all that it holds, in as many
// rounds as its limit takes. Undo: nothing to undo.
MATCH (d:DetectionMark) WHERE d.change > 0
SET d.change = 0;
