#include "identity.h"

bool
identity_encode(uint32_t account, uint64_t id, struct wbuf *out)
{
	struct row_link row;

	if (account == ACCOUNT_ATS || id != account || !row_link_get(&row, KEY(link, .no = account)))
		return false;
	rec_identity_encode(out, &(struct rec_identity){ .name = row.rec.name, .email = row.rec.address });
	row_link_free(&row);
	return true;
}
