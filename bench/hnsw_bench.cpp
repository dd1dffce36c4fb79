/*
 * hnsw_bench.cpp
 *	  hnswlib on the rows and queries of quant_bench, for comparison.
 *
 * usage: hnsw_bench FILE DIM [M [ef_construction [ef,ef,...]]]
 * The last 1,000 rows are the queries.  The distance is the inner product of
 * normalized rows, and recall@10 is by exact distance.  One thread; processor
 * time; median of three passes.  The graph is kept in
 * FILE.M.ef_construction.hnsw for the next run.
 * build: g++ -O3 -march=native (libhnswlib-dev)
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <hnswlib/hnswlib.h>

/* Return processor time, which other programs disturb less. */
static double
now()
{
	return (double) clock() / CLOCKS_PER_SEC;
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	const size_t dim = atoi(argv[2]);
	const size_t m = argc > 3 ? atoi(argv[3]) : 16;
	const size_t ef_construction = argc > 4 ? atoi(argv[4]) : 200;
	const size_t nqueries = 1000;
	const size_t k = 10;
	std::stringstream efs(argc > 5 ? argv[5] : "20,40,60,80,120,160,200,300,400,600,1000");
	std::vector<float> data;
	FILE	   *file = fopen(argv[1], "rb");

	fseek(file, 0, SEEK_END);
	data.resize(ftell(file) / sizeof(float));
	rewind(file);
	if (fread(data.data(), sizeof(float), data.size(), file) != data.size())
		return 1;
	const size_t nrows = data.size() / dim - nqueries;
	hnswlib::InnerProductSpace space(dim);
	auto		distance = space.get_dist_func();
	hnswlib::HierarchicalNSW<float> graph(&space, nrows, m, ef_construction);
	const std::string saved = std::string(argv[1]) + "." + std::to_string(m) + "." +
		std::to_string(ef_construction) + ".hnsw";
	double		start = now();

	if (std::ifstream(saved).good())
		graph.loadIndex(saved, &space);
	else
	{
		for (size_t i = 0; i < nrows; i++)
			graph.addPoint(&data[i * dim], i);
		printf("hnswlib M=%zu ef_construction=%zu: built %zu rows in %.1f s\n", m,
			   ef_construction, nrows, now() - start);
		graph.saveIndex(saved);
	}

	std::vector<float> kth(nqueries);
	for (size_t q = 0; q < nqueries; q++)
	{
		std::vector<float> all(nrows);
		for (size_t i = 0; i < nrows; i++)
			all[i] = distance(&data[(nrows + q) * dim], &data[i * dim], space.get_dist_func_param());
		std::nth_element(all.begin(), all.begin() + k - 1, all.end());
		kth[q] = all[k - 1];
	}
	printf("    ef   recall      QPS\n");
	for (std::string word; std::getline(efs, word, ',');)
	{
		double		times[3];
		size_t		found = 0;

		graph.setEf(atoi(word.c_str()));
		for (int pass = 0; pass < 4; pass++)
		{
			start = now();
			for (size_t q = 0; q < nqueries; q++)
			{
				auto		result = graph.searchKnn(&data[(nrows + q) * dim], k);

				for (; pass == 0 && !result.empty(); result.pop())
					found += result.top().first <= kth[q] + 1e-6f;
			}
			if (pass > 0)
				times[pass - 1] = now() - start;
		}
		std::sort(times, times + 3);
		printf("%6s %8.4f %8.0f\n", word.c_str(), (double) found / nqueries / k, nqueries / times[1]);
		fflush(stdout);
	}
}
