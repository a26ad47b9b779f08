// The vector indexes are created again, with whole vectors. Neo4j's default, binary quantization, fails
// where a segment of such an index holds only equal vectors, or one, and a deleted one: Lucene then
// returns places that nobody filled ("Index 33554431 out of bounds"). Scalar quantization quantizes what
// is asked for anew in each segment, and an import leaves dozens: a sixth of what Neo4j did beside one.
// Indexes of memories and of files are gone: their summaries have the same vectors.
// Cost: the next files build them from all vectors, in the background. Undo: none needed.
DROP INDEX memory_embedding IF EXISTS;
DROP INDEX entity_summary_neighbours IF EXISTS;
DROP INDEX code_embedding IF EXISTS;
DROP INDEX semantic_cluster_seeds IF EXISTS;
