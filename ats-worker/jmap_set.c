/*
 * jmap_set.c - /set (RFC 8620 s. 5.3) for every type: creates, then updates,
 * then destroys, each by a hook of the type that ends in an answer of the store
 * or a SetError. Of most types one object after another; of one whose objects
 * have nothing to do with each other several at a time, so that they share the
 * store's commits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jmap_set_private.h"

/* ---- results of one object ---- */

json_t *
jmap_set_error(const char *type, const char *description)
{
	json_t *o = json_object();

	ju_set(o, "type", json_string(type));
	if (description != NULL && description[0] != '\0')
		ju_set(o, "description", json_string(description));
	return o;
}

static void
set_result(json_t **map, const char *key, json_t *value)
{
	if (*map == NULL)
		*map = json_object();
	ju_set(*map, key, value);
}

static void
not_done(struct jmap_batch *batch, const char *key, json_t *error)
{
	json_t **maps[] = { [SET_CREATE] = &batch->not_created, [SET_UPDATE] = &batch->not_updated,
		[SET_DESTROY] = &batch->not_destroyed };

	set_result(maps[batch->phase], key, error);
}

/* This object is through; go on with the next unless the pump is running. */
static void
set_next(struct jmap_set *set)
{
	struct jmap_batch *batch = set->batch;

	jmap_set_free(set);
	if (!batch->pumping)
		jmap_set_pump(batch);
}

void
jmap_set_fail(struct jmap_set *set, json_t *error)
{
	not_done(set->batch, set->key, error);
	set_next(set);
}

void
jmap_set_fail_type(struct jmap_set *set, const char *type, const char *description)
{
	jmap_set_fail(set, jmap_set_error(type, description));
}

void
jmap_set_bad_property(struct jmap_set *set, const char *property, const char *description)
{
	json_t *error = jmap_set_error("invalidProperties", description);

	ju_set(error, "properties", json_pack("[s]", property));
	jmap_set_fail(set, error);
}

void
jmap_set_unchanged(struct jmap_set *set)
{
	set_result(&set->batch->updated, set->key, json_null());
	set_next(set);
}

static void
set_created(struct jmap_set *set, uint64_t id, json_t *object)
{
	char text[JMAP_ID_MAX];

	jmap_id_print(text, set->type->letter, id);
	call_note_created(set->call, set->key, text);
	set_result(&set->batch->created, set->key, object);
	set_next(set);
}

/* What the client did not say itself: the created object as the store has it. */
/* The same value, creation ids ("#a") resolved. */
static bool
as_given(struct jmap_set *set, json_t *stored, json_t *given)
{
	const char *id = json_string_value(given), *found;

	if (json_equal(stored, given))
		return true;
	return id != NULL && json_is_string(stored) && (found = call_resolve_id(set->call, id)) != NULL &&
	    strcmp(found, json_string_value(stored)) == 0;
}

static void
on_created_row(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	struct jmap_render r = { .id = set->id, .account = set->call->account };
	union jmap_record rec;
	json_t *object, *given;
	const char *name;

	if (a->error != NULL || a->rows->n != 1 || set->type->decode(a->rows->rows[0].data, &rec) == -1)
		object = json_pack("{s:o}", "id", ju_id(set->type->letter, set->id));
	else {
		r.rec = &rec;
		if (set->type->created_row != NULL)
			set->type->created_row(set, &rec);
		object = jmap_render_object(set->type, NULL, &r);
		/* RFC 8620 s. 5.3: what the server set or changed is told. */
		json_object_foreach(set->object, name, given)
			if (as_given(set, json_object_get(object, name), given))
				(void)json_object_del(object, name);
	}
	set_created(set, set->id, object);
}

static void
set_store_failed(struct jmap_set *set, const struct store_answer *a)
{
	const struct msg_set_done *m = a->m != NULL ? &a->m->set_done : NULL;
	json_t *error = json_object();

	ju_set(error, "type", json_string(a->error));
	if (m != NULL && m->description.n > 0)
		ju_set(error, "description", ju_str(m->description));
	if (m != NULL && m->property.n > 0 && strcmp(a->error, "blobNotFound") != 0)
		ju_set(error, "properties", json_pack("[o]", ju_str(m->property)));
	if (a->steps != NULL)
		ju_set(error, "steps", json_incref(a->steps));
	if (strcmp(a->error, "blobNotFound") == 0)
		ju_set(error, "notFound", set->blobs != NULL ? json_incref(set->blobs) : json_array());
	jmap_set_fail(set, error);
}

static void
on_set_done(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	const struct msg_set_done *m;
	struct msg_get get = { .account = set->call->account, .type = (uint8_t)set->type->obj };
	struct wbuf id = { .max = 8 };

	if (a->error != NULL) {
		set_store_failed(set, a);
		return;
	}
	m = &a->m->set_done;
	set->batch->epoch = m->epoch;
	set->batch->new_state = m->new_state;
	if (set->batch->phase != SET_CREATE) {
		if (set->batch->phase == SET_UPDATE)
			set_result(&set->batch->updated, set->key, json_null());
		else
			ju_push(set->batch->destroyed, json_string(set->key));
		set_next(set);
		return;
	}
	set->id = m->id;
	if (set->type->created != NULL) {
		set_created(set, m->id, set->type->created(m));
		return;
	}
	ids_add(&id, m->id);
	get.ids = wbuf_slice(&id);
	if (store_ask(&set->call->scope, MSG_get, &get, -1, on_created_row, set) == -1)
		set_created(set, m->id, json_pack("{s:o}", "id", ju_id(set->type->letter, m->id)));
	wbuf_free(&id);
}

void
jmap_set_wait(struct jmap_set *set, enum msg_type type, void *msg, int fd, store_cb cb)
{
	if (set->call->arena.failed) {
		if (fd != -1)
			(void)close(fd);
		jmap_set_fail_type(set, "serverFail", "out of memory");
	} else if (store_ask(&set->call->scope, type, msg, fd, cb, set) == -1)
		jmap_set_fail_type(set, store_ask_error(), NULL);
}

void
jmap_set_ask(struct jmap_set *set, enum msg_type type, void *msg, int fd)
{
	jmap_set_wait(set, type, msg, fd, on_set_done);
}

/* ---- checks before the hooks ---- */

/* NULL, or the first property that the client may not give at create. */
static const char *
create_forbidden(const struct jmap_type *t, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		const struct jmap_prop *p = jmap_prop_find(t, name);

		if (p == NULL || (p->flags & PROP_SERVER_SET) != 0)
			return name;
	}
	return NULL;
}

static void
set_create(struct jmap_set *set, json_t *object)
{
	const char *bad;

	set->object = object;
	if (set->type->create == NULL)
		jmap_set_fail_type(set, "forbidden", "objects of this type are not created by clients");
	else if (!json_is_object(object))
		jmap_set_fail_type(set, "invalidProperties", "not an object");
	else if ((bad = create_forbidden(set->type, object)) != NULL)
		jmap_set_bad_property(set, bad, "unknown, or set by the server alone");
	else
		set->type->create(set, object);
}

/* The stored values of what the patch touches; NULL when it touches an
 * unknown property, named in *bad. */
static json_t *
touched_values(struct jmap_set *set, json_t *patch, struct jmap_render *r, const char **bad)
{
	json_t *current = json_object(), *value;
	const char *key;

	json_object_foreach(patch, key, value) {
		char *name = jmap_patch_property(key);
		const struct jmap_prop *p = name != NULL ? jmap_prop_find(set->type, name) : NULL;
		bool is_id = name != NULL && strcmp(name, "id") == 0;

		if (is_id)
			ju_set(current, "id", ju_id(set->type->letter, r->id));
		r->name = name;
		if (p != NULL && (p->flags & PROP_WRITE_ONLY) == 0)
			ju_set(current, name, p->render(r));
		free(name);
		if (p == NULL && !is_id) {
			json_decref(current);
			*bad = key;
			return NULL;
		}
	}
	return current;
}

/* What the client may not change must be what it is; it is dropped then. */
static const char *
drop_fixed(const struct jmap_type *t, json_t *changed, json_t *current)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(changed, next, name, value) {
		const struct jmap_prop *p = jmap_prop_find(t, name);

		if (p != NULL && (p->flags & (PROP_SERVER_SET | PROP_IMMUTABLE)) == 0)
			continue;
		if (!json_equal(value, json_object_get(current, name)))
			return name;
		(void)json_object_del(changed, name);
	}
	return NULL;
}

static void
set_apply(struct jmap_set *set, struct jmap_set_update *u)
{
	struct jmap_render r = { .id = u->id, .account = set->call->account, .rec = u->rec };
	const char *bad = NULL;
	json_t *current = touched_values(set, u->patch, &r, &bad);

	if (current == NULL) {
		jmap_set_bad_property(set, bad, "unknown property");
		return;
	}
	set->changed = u->changed = jmap_patch_apply(current, u->patch);
	if (u->changed == NULL)
		jmap_set_fail_type(set, "invalidPatch", NULL);
	else if ((bad = drop_fixed(set->type, u->changed, current)) != NULL)
		jmap_set_bad_property(set, bad, "cannot be changed");
	else if (json_object_size(u->changed) == 0)
		jmap_set_unchanged(set);
	else
		set->type->update(set, u);
	json_decref(current);
}

static void
on_update_row(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	struct jmap_set_update u = { .id = set->id, .patch = set->object, .rec = &set->rec };

	if (a->error != NULL)
		jmap_set_fail_type(set, a->error, NULL);
	else if (a->rows->n != 1 || set->type->decode(a->rows->rows[0].data, &set->rec) == -1)
		jmap_set_fail_type(set, "notFound", NULL);
	else {
		/* The record's slices must outlive this callback: hooks may wait. */
		store_rows_move(&set->rows, a->rows);
		set_apply(set, &u);
	}
}

static void
set_update(struct jmap_set *set, json_t *patch)
{
	struct msg_get m = { .account = set->call->account, .type = (uint8_t)set->type->obj };
	const char *id = call_resolve_id(set->call, set->key);
	struct wbuf ids = { .max = 8 };

	set->object = patch;
	if (set->type->update == NULL)
		jmap_set_fail_type(set, "forbidden", "objects of this type do not change");
	else if (!json_is_object(patch))
		jmap_set_fail_type(set, "invalidPatch", NULL);
	else if (id == NULL || jmap_id_parse(id, set->type->letter, &set->id) == -1)
		jmap_set_fail_type(set, "notFound", NULL);
	else {
		ids_add(&ids, set->id);
		m.ids = wbuf_slice(&ids);
		jmap_set_wait(set, MSG_get, &m, -1, on_update_row);
	}
	wbuf_free(&ids);
}

static void
set_destroy(struct jmap_set *set)
{
	const char *id = call_resolve_id(set->call, set->key);

	if (set->type->destroy == NULL)
		jmap_set_fail_type(set, "forbidden", "objects of this type are not destroyed by clients");
	else if (id == NULL || jmap_id_parse(id, set->type->letter, &set->id) == -1)
		jmap_set_fail_type(set, "notFound", NULL);
	else
		set->type->destroy(set, set->id);
}

/* ---- the objects ---- */

static struct jmap_set *
set_begin(struct jmap_batch *batch, const char *key)
{
	struct jmap_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->batch = batch;
	set->call = batch->call;
	set->type = batch->type;
	set->key = key;
	LIST_INSERT_HEAD(&batch->objects, set, entry);
	batch->open++;
	return set;
}

void
jmap_set_free(struct jmap_set *set)
{
	LIST_REMOVE(set, entry);
	set->batch->open--;
	json_decref(set->changed);
	json_decref(set->blobs);
	store_rows_free(&set->rows);
	free(set);
}

static bool
is_destroyed_too(const struct jmap_set *set)
{
	json_t *id;
	size_t i;

	json_array_foreach(set->batch->destroy, i, id)
		if (strcmp(json_string_value(id), set->key) == 0)
			return true;
	return false;
}

static void
set_start(struct jmap_set *set, json_t *value)
{
	if (set->batch->phase == SET_CREATE)
		set_create(set, value);
	else if (set->batch->phase == SET_DESTROY)
		set_destroy(set);
	else if (is_destroyed_too(set))
		jmap_set_fail_type(set, "willDestroy", NULL);
	else
		set_update(set, value);
}

/* The key of the next object of this phase, or NULL. */
static const char *
next_key(struct jmap_batch *batch, json_t **value)
{
	json_t *map = batch->phase == SET_CREATE ? batch->create : batch->update;
	const char *key;

	*value = NULL;
	if (batch->phase == SET_DESTROY)
		return json_string_value(json_array_get(batch->destroy, batch->index++));
	if (batch->iter == NULL)
		return NULL;
	key = json_object_iter_key(batch->iter);
	*value = json_object_iter_value(batch->iter);
	batch->iter = json_object_iter_next(map, batch->iter);
	return key;
}

/* A created object may be named by what comes behind it; and the store's other
 * askers shall find room. */
static bool
may_start(const struct jmap_batch *batch)
{
	if (batch->open == 0)
		return true;
	return batch->type->together && batch->phase != SET_CREATE && batch->open < LIM_SET_TOGETHER &&
	    store_room() > LIM_STORE_REQUESTS / 2;
}

/* False when nothing is left that could start now. */
static bool
set_step(struct jmap_batch *batch)
{
	struct jmap_set *set;
	const char *key;
	json_t *value;

	if (!may_start(batch))
		return false;
	if ((key = next_key(batch, &value)) != NULL) {
		if ((set = set_begin(batch, key)) == NULL)
			not_done(batch, key, jmap_set_error("serverFail", "out of memory"));
		else
			set_start(set, value);
		return true;
	}
	if (batch->open > 0 || batch->phase == SET_DESTROY)
		return false;
	batch->phase = batch->phase == SET_CREATE ? SET_UPDATE : SET_DESTROY;
	batch->iter = batch->phase == SET_UPDATE ? json_object_iter(batch->update) : NULL;
	return true;
}

void
jmap_set_pump(struct jmap_batch *batch)
{
	batch->pumping = true;
	while (set_step(batch))
		;
	batch->pumping = false;
	if (batch->open == 0)
		jmap_set_reply(batch);
}
