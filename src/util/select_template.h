/*-------------------------------------------------------------------------
 * select_template.h
 *	  Quickselect for arrays of any type, in any order.
 *
 * The includer defines
 *		VS_SELECT				name of the function to define
 *		VS_SELECT_TYPE			type of an element
 *		VS_SELECT_BEFORE(a, b)	whether element a points to comes before
 *								element b points to: a strict weak order
 * and gets
 *		static void VS_SELECT(VS_SELECT_TYPE *array, int n, int k)
 * which moves elements until array[k] is the one that would be there if the
 * array were sorted, no element before it comes after it, and no element
 * after it comes before it.  0 <= k < n.  The array may hold equal elements.
 *
 * The time is O(n) on average; the pivot is the median of three.  Plain C
 * without PostgreSQL.  The definitions are removed at the end, so that the
 * file can be included again.
 *-------------------------------------------------------------------------
 */

static void
VS_SELECT(VS_SELECT_TYPE *array, int n, int k)
{
	int			low = 0;
	int			high = n - 1;

#define VS_SELECT_SWAP(i, j) \
	do { \
		VS_SELECT_TYPE swapped = array[i]; \
		array[i] = array[j]; \
		array[j] = swapped; \
	} while (0)

	/* elements before low are in their part of the array, and after high too */
	while (low < high)
	{
		int			i = low;
		int			j = high;
		int			middle = low + (high - low) / 2;
		VS_SELECT_TYPE pivot;

		if (VS_SELECT_BEFORE(&array[middle], &array[low]))
			VS_SELECT_SWAP(middle, low);
		if (VS_SELECT_BEFORE(&array[high], &array[low]))
			VS_SELECT_SWAP(high, low);
		if (VS_SELECT_BEFORE(&array[high], &array[middle]))
			VS_SELECT_SWAP(high, middle);
		pivot = array[middle];
		while (i <= j)
		{
			while (VS_SELECT_BEFORE(&array[i], &pivot))
				i++;
			while (VS_SELECT_BEFORE(&pivot, &array[j]))
				j--;
			if (i <= j)
			{
				VS_SELECT_SWAP(i, j);
				i++;
				j--;
			}
		}
		/* low .. j are not after the pivot, i .. high are not before it */
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			break;
	}
#undef VS_SELECT_SWAP
}

#undef VS_SELECT
#undef VS_SELECT_TYPE
#undef VS_SELECT_BEFORE
