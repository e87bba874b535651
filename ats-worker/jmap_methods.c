#include "jmap_methods.h"

#include <string.h>

#include "email_set.h"
#include "jmap_type.h"
#include "link_set.h"
#include "type_mailbox.h"
#include "type_provider.h"

static void
core_echo_run(struct jmap_call *call)
{
	call_done(call, json_incref(call->args));
}

#define ATS CAP_ATS, ACCOUNT_OF_ATS
#define MAIL CAP_MAIL, ACCOUNT_OF_LINK
#define SUBMISSION CAP_SUBMISSION, ACCOUNT_OF_LINK

static const struct jmap_method methods[] = {
	{ "Core/echo", CAP_CORE, ACCOUNT_NONE, core_echo_run, NULL },

	{ "Link/get", ATS, jmap_get_run, &type_link },
	{ "Link/changes", ATS, jmap_changes_run, &type_link },
	{ "Link/query", ATS, jmap_query_run, &type_link },
	{ "Link/set", ATS, jmap_set_run, &type_link },
	{ "Link/test", ATS, link_test_run, &type_link },
	{ "Provider/get", ATS, provider_get_run, &type_provider },
	{ "Provider/query", ATS, provider_query_run, &type_provider },
	{ "Provider/discover", ATS, provider_discover_run, &type_provider },
	{ "Correspondent/get", ATS, jmap_get_run, &type_correspondent },
	{ "Correspondent/changes", ATS, jmap_changes_run, &type_correspondent },
	{ "Correspondent/query", ATS, jmap_query_run, &type_correspondent },
	{ "Correspondent/set", ATS, jmap_set_run, &type_correspondent },
	{ "Note/get", ATS, jmap_get_run, &type_note },
	{ "Note/changes", ATS, jmap_changes_run, &type_note },
	{ "Note/query", ATS, jmap_query_run, &type_note },
	{ "Note/set", ATS, jmap_set_run, &type_note },
	{ "Review/get", ATS, jmap_get_run, &type_review },
	{ "Review/changes", ATS, jmap_changes_run, &type_review },
	{ "Review/query", ATS, jmap_query_run, &type_review },
	{ "Review/set", ATS, jmap_set_run, &type_review },

	{ "Mailbox/get", MAIL, jmap_get_run, &type_mailbox },
	{ "Mailbox/changes", MAIL, jmap_changes_run, &type_mailbox },
	{ "Mailbox/query", MAIL, mailbox_query_run, &type_mailbox },
	{ "Thread/get", MAIL, jmap_get_run, &type_thread },
	{ "Thread/changes", MAIL, jmap_changes_run, &type_thread },
	{ "Email/get", MAIL, jmap_get_run, &type_email },
	{ "Email/changes", MAIL, jmap_changes_run, &type_email },
	{ "Email/query", MAIL, jmap_query_run, &type_email },
	{ "Email/set", MAIL, jmap_set_run, &type_email },
	{ "Email/fetchContent", CAP_ATS, ACCOUNT_OF_LINK, email_fetch_content_run, &type_email },

	{ "Identity/get", SUBMISSION, jmap_get_run, &type_identity },
	{ "Identity/changes", SUBMISSION, jmap_changes_run, &type_identity },
	{ "EmailSubmission/get", SUBMISSION, jmap_get_run, &type_submission },
	{ "EmailSubmission/changes", SUBMISSION, jmap_changes_run, &type_submission },
	{ "EmailSubmission/query", SUBMISSION, jmap_query_run, &type_submission },
	{ "EmailSubmission/set", SUBMISSION, jmap_set_run, &type_submission },
};

const struct jmap_method *
jmap_method_find(const char *name, unsigned int using)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, name) == 0)
			return (using & methods[i].capability) != 0 ? &methods[i] : NULL;
	return NULL;
}
