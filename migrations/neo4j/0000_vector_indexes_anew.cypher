// The vector indexes are created again, without binary quantization, Neo4j's default: a search fails
// where a segment of such an index holds only equal vectors, or one, and a deleted one. Lucene then
// returns places that nobody filled ("Index 33554431 out of bounds").
// Cost: the next file builds them from all vectors, in the background. Undo: none needed.
DROP INDEX memory_embedding IF EXISTS;
DROP INDEX entity_summary_neighbours IF EXISTS;
DROP INDEX code_embedding IF EXISTS;
