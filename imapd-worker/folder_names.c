/*
 * folder_names.c - the table. Names as shown by mail programs and webmail in
 * the language given; the more usual a name is, the earlier it stands.
 */
#include "folder_names.h"

#include <stddef.h>

struct folder_name {
	enum mailbox_role role;
	const char *name;
};

static const struct folder_name names[] = {
	/* English, as servers and programs create them */
	{ MBOX_SENT, "Sent" }, { MBOX_SENT, "Sent Items" }, { MBOX_SENT, "Sent Messages" }, { MBOX_SENT, "Sent Mail" },
	{ MBOX_SENT, "Sent-Mail" }, { MBOX_SENT, "Sent Email" }, { MBOX_SENT, "OutBox Sent" },
	{ MBOX_DRAFTS, "Drafts" }, { MBOX_DRAFTS, "Draft" }, { MBOX_DRAFTS, "Draft Messages" },
	{ MBOX_TRASH, "Trash" }, { MBOX_TRASH, "Deleted Items" }, { MBOX_TRASH, "Deleted Messages" },
	{ MBOX_TRASH, "Deleted" }, { MBOX_TRASH, "Bin" }, { MBOX_JUNK, "Junk" }, { MBOX_JUNK, "Spam" },
	{ MBOX_JUNK, "Junk E-mail" }, { MBOX_JUNK, "Junk Email" }, { MBOX_JUNK, "Bulk Mail" }, { MBOX_JUNK, "Bulk" },
	{ MBOX_ARCHIVE, "Archive" }, { MBOX_ARCHIVE, "Archives" },
	/* German */
	{ MBOX_SENT, "Gesendet" }, { MBOX_SENT, "Gesendete Elemente" }, { MBOX_SENT, "Gesendete Objekte" },
	{ MBOX_SENT, "Gesendete Nachrichten" }, { MBOX_SENT, "Postausgang gesendet" }, { MBOX_DRAFTS, "Entwürfe" },
	{ MBOX_TRASH, "Papierkorb" }, { MBOX_TRASH, "Gelöscht" }, { MBOX_TRASH, "Gelöschte Elemente" },
	{ MBOX_TRASH, "Gelöschte Objekte" }, { MBOX_JUNK, "Unerwünscht" }, { MBOX_JUNK, "Junk-E-Mail" },
	{ MBOX_JUNK, "Spamverdacht" }, { MBOX_ARCHIVE, "Archiv" },
	/* French */
	{ MBOX_SENT, "Envoyés" }, { MBOX_SENT, "Éléments envoyés" }, { MBOX_SENT, "Messages envoyés" },
	{ MBOX_SENT, "Courrier envoyé" }, { MBOX_DRAFTS, "Brouillons" }, { MBOX_TRASH, "Corbeille" },
	{ MBOX_TRASH, "Éléments supprimés" }, { MBOX_JUNK, "Courrier indésirable" }, { MBOX_JUNK, "Indésirables" },
	/* Spanish, Portuguese, Catalan */
	{ MBOX_SENT, "Enviados" }, { MBOX_SENT, "Elementos enviados" }, { MBOX_SENT, "Itens enviados" },
	{ MBOX_SENT, "Enviadas" }, { MBOX_SENT, "Mensajes enviados" }, { MBOX_SENT, "Correo enviado" },
	{ MBOX_SENT, "Elements enviats" }, { MBOX_SENT, "Enviats" }, { MBOX_DRAFTS, "Borradores" },
	{ MBOX_DRAFTS, "Rascunhos" }, { MBOX_DRAFTS, "Esborranys" }, { MBOX_TRASH, "Papelera" },
	{ MBOX_TRASH, "Elementos eliminados" }, { MBOX_TRASH, "Lixeira" }, { MBOX_TRASH, "Lixo" },
	{ MBOX_TRASH, "Itens excluídos" }, { MBOX_TRASH, "Itens eliminados" }, { MBOX_JUNK, "Correo no deseado" },
	{ MBOX_JUNK, "Lixo eletrônico" }, { MBOX_JUNK, "Lixo Eletrónico" }, { MBOX_ARCHIVE, "Archivo" },
	{ MBOX_ARCHIVE, "Arquivo" },
	/* Italian, Romanian */
	{ MBOX_SENT, "Posta inviata" }, { MBOX_SENT, "Inviata" }, { MBOX_SENT, "Inviati" },
	{ MBOX_SENT, "Elementi inviati" }, { MBOX_SENT, "Trimise" }, { MBOX_SENT, "Elemente trimise" },
	{ MBOX_DRAFTS, "Bozze" }, { MBOX_DRAFTS, "Schițe" }, { MBOX_TRASH, "Cestino" },
	{ MBOX_TRASH, "Posta eliminata" }, { MBOX_TRASH, "Elementi eliminati" }, { MBOX_TRASH, "Coș de gunoi" },
	{ MBOX_JUNK, "Posta indesiderata" }, { MBOX_ARCHIVE, "Archivio" },
	/* Dutch and the North */
	{ MBOX_SENT, "Verzonden" }, { MBOX_SENT, "Verzonden items" }, { MBOX_SENT, "Verzonden berichten" },
	{ MBOX_SENT, "Skickat" }, { MBOX_SENT, "Skickade" }, { MBOX_SENT, "Sendte elementer" }, { MBOX_SENT, "Sendt" },
	{ MBOX_SENT, "Sendt post" }, { MBOX_SENT, "Lähetetyt" }, { MBOX_DRAFTS, "Concepten" },
	{ MBOX_DRAFTS, "Utkast" }, { MBOX_DRAFTS, "Kladder" }, { MBOX_DRAFTS, "Luonnokset" },
	{ MBOX_TRASH, "Prullenbak" }, { MBOX_TRASH, "Verwijderde items" }, { MBOX_TRASH, "Papperskorg" },
	{ MBOX_TRASH, "Papirkurv" }, { MBOX_TRASH, "Slettet post" }, { MBOX_TRASH, "Roskakori" },
	{ MBOX_JUNK, "Ongewenste e-mail" }, { MBOX_JUNK, "Skräppost" }, { MBOX_JUNK, "Søppelpost" },
	{ MBOX_JUNK, "Roskaposti" }, { MBOX_ARCHIVE, "Archief" }, { MBOX_ARCHIVE, "Arkiv" },
	/* Polish, Czech, Slovak, Hungarian */
	{ MBOX_SENT, "Wysłane" }, { MBOX_SENT, "Elementy wysłane" }, { MBOX_SENT, "Odeslaná pošta" },
	{ MBOX_SENT, "Odeslané" }, { MBOX_SENT, "Odoslané" }, { MBOX_SENT, "Odoslaná pošta" },
	{ MBOX_SENT, "Elküldött" }, { MBOX_SENT, "Elküldött elemek" }, { MBOX_DRAFTS, "Kopie robocze" },
	{ MBOX_DRAFTS, "Szkice" }, { MBOX_DRAFTS, "Koncepty" }, { MBOX_DRAFTS, "Piszkozatok" }, { MBOX_TRASH, "Kosz" },
	{ MBOX_TRASH, "Koš" }, { MBOX_TRASH, "Kôš" }, { MBOX_TRASH, "Lomtár" },
	/* Greek, Turkish, Russian, Ukrainian */
	{ MBOX_SENT, "Απεσταλμένα" }, { MBOX_SENT, "Gönderilmiş Öğeler" }, { MBOX_SENT, "Gönderilenler" },
	{ MBOX_SENT, "Отправленные" }, { MBOX_SENT, "Исходящие" }, { MBOX_SENT, "Надіслані" },
	{ MBOX_DRAFTS, "Taslaklar" }, { MBOX_DRAFTS, "Черновики" }, { MBOX_DRAFTS, "Чернетки" },
	{ MBOX_TRASH, "Çöp Kutusu" }, { MBOX_TRASH, "Корзина" }, { MBOX_TRASH, "Удаленные" },
	{ MBOX_TRASH, "Кошик" }, { MBOX_JUNK, "Спам" }, { MBOX_ARCHIVE, "Архив" },
	/* Chinese, Japanese, Korean, Arabic, Hebrew */
	{ MBOX_SENT, "已发送" }, { MBOX_SENT, "已发送邮件" }, { MBOX_SENT, "寄件備份" }, { MBOX_SENT, "送信済み" },
	{ MBOX_SENT, "送信済みメール" }, { MBOX_SENT, "送信済みアイテム" }, { MBOX_SENT, "보낸 편지함" },
	{ MBOX_SENT, "보낸편지함" }, { MBOX_SENT, "العناصر المرسلة" }, { MBOX_SENT, "פריטים שנשלחו" },
	{ MBOX_DRAFTS, "草稿" }, { MBOX_DRAFTS, "草稿箱" }, { MBOX_DRAFTS, "下書き" }, { MBOX_DRAFTS, "임시 보관함" },
	{ MBOX_TRASH, "已删除" }, { MBOX_TRASH, "已删除邮件" }, { MBOX_TRASH, "ゴミ箱" }, { MBOX_TRASH, "휴지통" },
	{ MBOX_JUNK, "垃圾邮件" }, { MBOX_JUNK, "迷惑メール" }, { MBOX_JUNK, "스팸" },
};

enum mailbox_role
folder_names_role(struct slice leaf, unsigned int *rank)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_case_eq_str(leaf, names[i].name)) {
			*rank = (unsigned int)i;
			return names[i].role;
		}
	}
	*rank = 0;
	return MBOX_NONE;
}
