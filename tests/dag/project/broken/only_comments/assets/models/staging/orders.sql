-- SELECT 1
/* SELECT 2; /* or */ 3 */;
