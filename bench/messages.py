"""What customers write: 400 messages of about 17 words, written for this, and long ones made of them.

Of the 400 that are `VARIED`, 280 are English, and 40 each Spanish, German and French. `MESSAGES` are 191 of them.
`{n}` is another number each time, as order numbers and amounts are in life: words come again, texts hardly do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["LONG", "MESSAGES", "VARIED", "fresh"]

_WRITTEN = """
hi, i ordered a pair of boots last tuesday and the tracking still says label created, any news?
The invoice you sent me yesterday lists three seats, but we only have two people in the workspace.
I can't log in since the update, it just spins for a minute and then says session expired.
Could you tell me how to export all contacts to CSV? I need them before Friday for our auditor.
My card was charged twice for order {n}, please refund one of the payments as soon as possible.
thanks so much, the workaround with the second browser did the trick, have a lovely weekend everybody!
This is the third time I'm contacting you about the same broken zipper and nobody has answered me.
We're seeing intermittent 502s from the API gateway since 14:05 UTC, roughly one in twenty requests fails.
Is it possible to change the delivery address? The parcel hasn't left the warehouse yet as far as I see.
hello there, where do I find the button to add a colleague, I looked everywhere but the menu is empty
The app crashes every time I open the camera on my Pixel, reinstalling it didn't help either.
I'd like to cancel my subscription at the end of the month and get a confirmation by email please.
your courier left the package in the rain and now the box is soaked, who pays for that?
Good morning, we need to move twelve users from the Basic plan to Pro, what does that cost us?
I never received the password reset mail, I checked spam as well, can you send it again?
No rush at all, but when you get a chance could you look at the wording on the pricing page?
My son turned the parental lock on and now nobody knows the PIN, how do we get back in?
The webhook signature doesn't match when the payload has a trailing newline, is that by design or a bug?
Do you ship to Norway, and if so how long does it usually take until it arrives in Bergen?
I was promised a call back by noon today and it's already four o'clock, this is really disappointing.
Can somebody please explain what the service fee of {n} dollars on my last statement is for?
everything is down!!! our shop has been offline for twenty minutes and we are losing orders every second
The blue one looks nice, but is it also available in size 44, and would it come before Christmas?
We have a demo with a customer tomorrow at nine and the staging environment still shows the old logo.
I think somebody else is using my account, there are logins from a city that I have never been to.
After upgrading to version 4.2 the scheduled reports arrive two hours late, nothing else was changed on our side.
Hey, quick question: does the family plan include the kids' watch, or do I have to add it separately?
I have been a customer for eleven years and I have never been treated like this, shame on you.
The coupon WELCOME10 is rejected at checkout although it should be valid until the end of this week.
Please delete all of my data according to article 17 and confirm in writing that it has been done.
where is my refund? you said five to seven business days and it has been three weeks now
Our accountant asks for a corrected invoice with the new VAT number, could you issue one for {n}?
I'm not sure whether I should take the monthly or the yearly plan, what would you recommend for a choir?
the left earbud is much quieter than the right one, cleaning it didn't change anything, still under warranty?
Great service as always, Jonas on the phone was patient and solved it within five minutes, thank you!
How many devices can be signed in at once, and what happens when I add one more than allowed?
The heating has been out since last night, it's four degrees inside and we have a newborn at home.
I tried to upload a 30 MB PDF and got an error that the file type isn't supported, why?
Could you please forward this to somebody technical, I already did all the steps your article describes.
My flight leaves at six tomorrow morning and the booking {n} shows the wrong passport number for my wife.
it says my email address is already taken but i never made an account with you guys
We'd like to order another forty units for the new office in Lyon, is there a volume discount?
The chat window covers the pay button on my phone, I had to turn it sideways to finish.
When does the summer sale end, and does it include the garden furniture that I had in my basket?
I entered the wrong IBAN when I set up the payout, can you stop the transfer before tonight?
Your chatbot keeps sending me in circles, I want to talk to a human being about my contract.
The dashboard shows data until Monday only, is the import delayed or did something break on my end?
Could you hold my order {n} until the 15th? We're on holiday and nobody is there to receive it.
I love the new dark mode, my eyes are so grateful, please never take it away again!
What's the difference between archiving and deleting a project, and can I get it back afterwards if needed?
The replacement you sent has exactly the same scratch as the first one, do you check them at all?
Hi team, our SSO certificate expires on the 30th, where do I upload the new one in the admin area?
I'm locked out because my authenticator was on the old phone, which I have already given away.
please unsubscribe me from the newsletter, i clicked the link three times and still get it every day
The price on the website was {n} but at checkout it suddenly became much more, how come?
Our deployment pipeline gets a 403 from your registry although the token was rotated just an hour ago.
Is there a way to pause the membership for two months, I broke my leg and can't come.
I just wanted to say that the lady in the shop on Mill Road was incredibly kind to my mother.
My internet drops every evening around eight, the router lights turn orange and come back after ten minutes.
Why do I have to give my phone number to read an article, that makes no sense to me at all.
We sent the signed contract last Thursday, could you check whether it reached the right department, please?
the lid doesn't close properly, is there some trick to it or did I get a bad one
Can I pay the invoice {n} in two parts? Business is a little slow this month, sorry about that.
Our nightly backup failed with error 28, disk quota exceeded, though the console says that half is free.
Thanks for nothing, I waited forty minutes in the queue just to be disconnected by your agent.
Would it be possible to get a copy of the recording from the webinar on the second of March?
The battery gets so hot that I can't hold it, is it safe to keep charging it overnight?
I accidentally bought the Windows licence but need the one for Mac, can this be swapped somehow?
Hola, hice un pedido la semana pasada y todavía no me ha llegado ningún correo de confirmación, ¿qué pasó?
Buenos días, me han cobrado dos veces la misma factura y necesito que me devuelvan el dinero cuanto antes.
No puedo entrar en mi cuenta desde ayer, dice que la contraseña no es correcta pero estoy segura de que sí.
¿Tienen servicio técnico en Valencia? La pantalla de mi tableta parpadea desde que instalé la última actualización.
Muchas gracias por la ayuda de ayer, todo funciona perfectamente y mi jefa está encantada con el resultado.
Guten Tag, meine Bestellung {n} sollte gestern ankommen, laut Sendungsverfolgung liegt sie aber seit Montag im Depot.
Wie kann ich meinen Vertrag zum Jahresende kündigen, und brauche ich dafür eine Bestätigung von Ihnen per Post?
Die App stürzt nach dem letzten Update sofort ab, neu installieren hat leider auch nichts gebracht, was nun?
Vielen Dank für die schnelle Hilfe, jetzt läuft wieder alles wie am Schnürchen, Ihr Team ist wirklich spitze!
Ich warte seit drei Wochen auf meine Rückerstattung und bekomme immer nur dieselbe Antwort, das reicht mir langsam.
Bonjour, je n'arrive plus à me connecter depuis ce matin, le code reçu par SMS est toujours refusé.
Pouvez-vous m'envoyer la facture du mois de janvier, mon comptable me la réclame pour vendredi au plus tard ?
Le colis {n} est arrivé ouvert et il manque deux articles, que dois-je faire pour être remboursée ?
C'est la deuxième fois que le technicien ne vient pas, j'ai posé une journée de congé pour rien.
The mobile site shows prices without tax, while the desktop one includes it, which of them is right?
I need a quote for {n} licences by tomorrow noon, our purchasing department closes the budget after that.
Just curious, will there ever be an integration with Notion, or is that not on your roadmap?
My grandmother can't read the small print on the letter, could you send it to her in large type?
Somebody on your team told me it's free, somebody else says it costs extra, so which is it?
The filter smells of burnt plastic after ten minutes, I unplugged it, should I send it back to you?
Sorry to bother you again, but the link in your last message leads to a page that doesn't exist.
We are evaluating your product for a hospital, where can we find the certificates and the data processing agreement?
How do I turn off the sound when a message comes in, it wakes up the baby every single time.
The table arrived without screws, and the manual is for a completely different model than the one I bought.
Your last release broke keyboard navigation in the date picker, our blind colleagues can't book leave any more.
i would like to know if you have the same jacket in green and how much the shipping is
Can you confirm that {n} is the right amount before I make the transfer, the letter isn't quite clear.
I'm furious, the technician marked the visit as done and he was not even here, I have cameras.
What are your opening hours over Easter, and can I bring my bike in without an appointment then?
It works now, no idea what you did but thank you, you just saved my presentation this afternoon!
We migrated forty mailboxes over the weekend and six of them show an empty inbox, IDs are in the ticket.
The gift card I got for my birthday shows a balance of zero, and it has never been used.
Is my data stored in the European Union, and who besides you can see what our students write?
Please change my name from Miller to Okafor on the contract, I got married in September, certificate attached.
The seat was so broken that I stood for three hours, I expect at least half of {n} back.
Do I need to be home when the meter is read, or can I send you a photo of it instead?
My order was supposed to be a surprise for tonight, and now you tell me it leaves tomorrow, great.
Where can I see how many credits are left this month, the counter has disappeared from the side bar.
The latency from Frankfurt doubled after the maintenance window, p99 went from 80 to 170 ms, any known issue?
Could you walk me through it slowly, I'm 74 and my grandson usually does these things for me.
I returned the shoes on the 3rd, the parcel shop gave me a receipt, but my account still shows them open.
Love it! Finally an update that makes things simpler instead of hiding them behind yet another menu, well done.
You charged me for a no-show although I cancelled two days before, here is the confirmation number {n}.
Our intern deleted the production calendar, is there any way to restore it from yesterday evening's state?
the new password must have a symbol, i tried ten different ones and it takes none of them, please help
Could we get an extension until the end of next week, two of our approvers are off sick.
Which cable do I need to connect it to an older television, the picture on the box is tiny.
The contract says twelve months, the salesman told me six, I'd like somebody to clear that up today.
I saw a spark when I plugged it in and now the whole kitchen has no power, what do I do?
Can I add a note for the driver? Our doorbell is broken and he should call me instead.
We keep getting duplicate events with the same id but different timestamps, should we dedupe on our side?
The course I booked isn't in my library, only the receipt for {n} arrived in my inbox this morning.
I'd rather not give my date of birth, is there another way to prove that I'm over eighteen?
Hello, the colour on the website is nothing like the one I got, it's more brown than red.
Nothing urgent, the footer on your careers page still says 2019, thought you would like to know about it.
I asked for vegetarian on both flights and got chicken twice, my stomach and I are not amused.
How can I see who changed the budget last week, is there some kind of log for administrators?
My subscription renews tomorrow and I can't find the cancel button anywhere, that can't be legal, can it?
The sensor reports 127 °C whenever the door is open, looks like an overflow of a signed byte to me.
We would be happy to join the beta for the new editor, who do I have to talk to?
I lost my customer card on the train yesterday, can you block it and send me a new one?
Every time I paste from Excel the decimal commas become points, and our totals are off by a thousand.
You've been so helpful, honestly the best support I've had in years, please tell your boss I said so.
The parcel locker doesn't open with the code {n}, and the hotline on the sticker is not in service.
When I press print, only the first page comes out, the second one stays in the queue for ever.
Our team would need an invoice per cost centre rather than one for everything, could that be arranged?
I don't understand this bill at all, there are four lines and they are all called adjustment.
Can you please stop calling me during work, I've asked twice already, an email is perfectly fine.
It says that delivery is between 8 and 22 o'clock, that isn't a time window, that's a day!
What happens to our data when the trial ends on Sunday and we haven't decided yet, is it gone?
The tickets for {n} were sent to my old address, I changed it in the profile months ago.
Is there an offline mode? I'm on a ship for six weeks and have no network most of the time.
One of your drivers nearly hit my daughter in front of the school, the plate ended in 77.
My colleague sees the report and I don't, we have the same role, so what are we missing here?
Please find attached the photos of the damage, I hope that this can be settled without much fuss.
I was just wondering whether you could recommend a good case for the small model, leather if possible.
The firmware update stopped at 63 percent and now the screen stays black, holding the button does nothing.
Could you set the limit on the company card to {n} until Thursday, we are at a trade fair.
We've had no hot water since Saturday and every day another person tells us that somebody will come.
Hi! Is the voucher also valid in your outlet, or only in the shops inside the city?
The terms changed last month and I did not agree to them, so please put my old rate back.
How do I read the second graph, is higher better, and what is the grey band behind the line?
Two of the glasses were broken, could you send two new ones rather than the entire set again?
Since yesterday the German umlauts in our export come out as question marks, UTF-8 was selected as always.
I would like to give my remaining credits to a friend, is there any way to transfer them?
this is a scam, i paid {n} and got an empty box, i'm going to the police tomorrow
Thank you for the quick reply, but that is the answer to a question I did not ask.
Please remind me how to set the thermostat to the holiday programme, I always forget the order of the buttons.
Our order for the wedding has to be here on Friday morning at the latest, can you guarantee that?
The lesson at ten was cancelled without a word, I sat in front of the screen for half an hour.
Does your insurance cover a cracked screen, or do I need the extended one for something like that?
We can't reproduce it reliably, but it happens about once a day when two tabs are open together.
Could the payment date be moved to the fifth, my salary only arrives at the beginning of the month.
My account says premium, the app says free, and support says wait, I have been waiting since Monday.
I can hear them but they can't hear me, the microphone works fine in every other program I have.
What a pleasant surprise, the box came two days early and with a handwritten card, you made my day.
Is it true that you close the store in Leeds? My husband still has a suit there for alteration.
The letter threatens me with a collection agency over {n} that I paid in February, proof is attached.
Can you add Ukrainian to the list of languages, a good part of our volunteers would be grateful.
After I moved, the gas bill doubled although the flat is smaller, somebody must have read the wrong meter.
Where do I put the discount code on the phone, the field only shows up on my computer.
We need the audit log of the 12th in a form that a court accepts, who can sign that?
I made a typo in the shipping address, it should be 14 and not 41, is it too late?
the kids love it, we have not had such a quiet car ride in ages, cheers from the Highlands
Can't connect to the printer, tried USB and wifi, driver 7.1.2 on Windows 11, error 0x0000011b every time.
Would you be so kind as to tell me whether my application {n} has been received by your office?
I'd like to speak with a manager, and please don't send me another form to fill in.
Your survey asks me to rate a repair which has not even taken place, maybe fix that first.
If I buy today, do I get the lower price from next week's campaign credited afterwards, or rather not?
The new layout hides the phone numbers of my patients, I need them within reach in an emergency.
I'm moving to Portugal in May, can I take my contract along or does it have to be cancelled?
The vacuum picks up everything except what it's supposed to, the brush doesn't turn at all any more.
Is there a student discount for part-time students as well, or only for those who study full time?
We were billed for {n} API calls, our own logs show about a third of that, please check.
Good evening, I left a grey scarf in the restaurant last night, has somebody handed it in by chance?
How long do you keep the recordings, my lawyer asks and I can't find it in your privacy policy.
The ramp at your entrance is blocked by bicycles again, my wheelchair and I had to turn around.
I switched providers because of your promise of a free router, where is it and when does it come?
Just to let you know that the problem solved itself after a restart, you can close this one.
Is anyone there? I have been typing into this little box for ten minutes and nothing comes back.
My prescription glasses came with the wrong strength in the left eye, everything is blurry and I get headaches.
Could you send the receipt for {n} again, this time to our bookkeeping instead of to me?
Our site went live an hour ago and the certificate warning scares all our visitors away, please hurry.
"""

_MORE = """
The lease ends in June and I want to hand back the car early, what would that cost me?
After the last rain the skylight you fitted started dripping onto my desk, who do I call about it?
My payslip for {n} hours is wrong, the overtime from the night shifts is missing completely.
Do your pillows come with a trial period, or do I have to keep them once the seal is broken?
We uploaded the floor plan twice and both times the preview rotates it by ninety degrees, any idea?
I would like to book a table for nine, two of us are vegan and one brings a guide dog.
the scooter stopped in the middle of a crossing with the display frozen at full charge, that was scary
Could you check why parcel {n} is travelling back and forth between Leipzig and Liège?
Our choir sings at your hotel in December, is there a piano in the lounge and can it be tuned?
Whoever packed this did a marvellous job, not a single jar was chipped, and the note made me smile.
I get a blank page after signing with my digital identity card, Firefox and Edge both do the same.
Why is the deposit still blocked on my credit card although I brought the van back unharmed?
How often should the water filter be replaced when there are five people in the household?
Please cancel the appointment of my father, he passed away on Sunday and I am sorting out his affairs.
You advertise lifetime updates, yet the new edition asks me for another {n} dollars, explain that.
Could someone translate the warranty card, I only got it in Korean and Polish.
The kettle whistles before it boils and the handle gets far too hot to touch without a cloth.
I'd like to donate the refund instead of getting it back, can that be arranged somehow?
Our terminal declines every contactless payment over fifty pounds since it was swapped last week.
My daughter typed a whole essay into your editor and after one refresh it was simply gone, she's in tears.
What documents does a sole trader need to open an account, and may I sign them electronically?
Webhook retries hit us six times within a second, shouldn't there be an exponential backoff between them?
Is the pool heated in October, and are dogs allowed on the terrace next to it?
I ordered the gluten-free menu, the label says wheat flour, and my wife is a coeliac.
Quick heads-up, the phone number at the bottom of your newsletter belongs to a dentist in Bristol.
Where can I download last year's tax certificate, the archive only goes back to spring.
The elevator in your car park has been out of order for so long that spiders live in it.
I've got two profiles because I married, please merge them and keep the points of both.
Does the starter kit contain batteries, and would rechargeable ones work in it as well?
You've sent me the size guide three times, what I need is the return label for parcel {n}.
Our students can't submit, the upload bar reaches the end and jumps back to the beginning.
I'm so relieved, your night crew found my hearing aid in seat 14C, bless them all!
Please explain in plain words what happens to my pension when I change from full time to part time.
The seller refuses to answer, so how does your buyer protection work for a painting that was never shipped?
Two-factor codes arrive about five minutes late on my Vodafone number, by then they're useless.
Could we have a second key for the storage unit, my brother and I come at different times.
Since you switched couriers nothing has arrived undamaged, not one of four deliveries, I'm keeping count.
May I bring my own wine to the party, and how much do you charge for the corks?
We'd appreciate a call with an engineer, replication lag on the secondary keeps growing beyond {n} seconds.
I think the recipe card is wrong, nobody needs four tablespoons of salt for one pizza.
How do I read the meter with the grey cover, there are two rows of numbers and a blinking dot.
My claim was rejected because of a missing signature, yet there is no line for one on your form.
The zip of the tent burst on its first night, we slept in the car, and it was raining cats and dogs.
Which of your policies covers a camera that is used for work at weekends and privately otherwise?
I pressed subscribe by mistake, the dialogue had no way to go back, kindly reverse that.
Honestly, a chat that closes itself while I look for my customer number is an insult.
Is the charger for the old model compatible, I still have three of those in a drawer?
Can the installer come on a Saturday, we both work shifts and the neighbours have no key.
Our museum wants to lend two of your headsets for an exhibition, whom should I write to?
There's a strange clicking from the hard disk, and copies stop at eighty percent with a checksum error.
The refund for the concert went to a card that expired, how do I get hold of that money now?
Would a nine-year-old manage this kit alone, or is there glue and a knife involved?
Thanks, the second link works, I have what I needed and you can close my request.
My meter was exchanged on the 8th, since then the app shows zero consumption for every single day.
I'm in a wheelchair and your shuttle driver told me that I should have mentioned that beforehand.
Could you put the subscription on hold while I'm in hospital, I can't say for how long.
The map shows your branch on the wrong side of the river, I walked forty minutes for nothing.
Dear team, attached you'll find our purchase order, kindly confirm the quantity of {n} pieces and the lead time.
Somebody signed for my watch with an illegible scribble, it certainly wasn't me nor anyone in this house.
After the migration our shared calendar shows every meeting in Pacific time, we sit in Lisbon.
What does the orange triangle next to my name mean, and does it ever go away?
I love how quiet the dishwasher is, you could sleep next to it, my compliments to whoever designed it.
The seeds you sold me as basil turn out to be mint, which is fine for tea but not for pesto.
If I lower the insured sum now, does the discount for not having had an accident stay?
Your agent called me sweetheart, I am a fifty-eight-year-old surgeon and would like an apology.
The last three statements have a fee called maintenance, what exactly is being maintained for {n} cents?
Can I transfer my gym contract to my flatmate, she would take over from next month.
I'd need a pro forma invoice in Swiss francs for customs, otherwise the machine stays at the border.
Both my trial and my colleague's ended at once, though hers started a fortnight after mine.
Is it normal that the mattress smells of chemicals, or should I air it for a while?
The child seat doesn't click into the base, and we're leaving for the coast in the morning.
There are crumbs of somebody else's sandwich in the box of shoes you sold me as new.
Pull requests from forks don't trigger any builds since Tuesday, the settings haven't been touched.
Could you tell the night manager that room 412 was spotless, and the extra blanket was very kind.
I can't tell which plug fits, the socket here has three flat pins in a triangle.
Your form insists on a middle name, I have none, and neither has half of my country.
The glossary in the student edition stops at the letter R, is there an erratum I can print?
We pay for the fast line and get a tenth of it, measured by cable with nothing else connected.
When will the green tea with the lemon be back, the shop near me has run out for weeks.
Please take my late mother off your mailing list, every catalogue is a little stab.
Does the export contain deleted comments as well, our works council insists on an answer.
The lamp hums when it is dimmed below a third, is that the bulb or the switch?
I waved at the bus, the driver looked at me and drove on, line 38 at ten past seven.
How much notice do you need if we want to change the menu for {n} guests?
My screen reader announces every button on your site as graphic, so I can't buy anything.
The promised technician never rang, I took the day off unpaid, and I'd like to know what you'll do about it.
Are the points I collected before the merger still worth something, or did they expire?
Somehow my playlist lost all its Icelandic songs, the rest is there and in order.
We'd like to renew, but only if the price from two years ago still holds for charities.
I scratched the hob with your own cleaner, the one that's recommended in the manual on page 9.
Can the alarm be silenced remotely, it has been howling for an hour and we're abroad.
The colour printer insists on cyan although I print a plain black letter, what a racket.
My landlord needs proof that the contents insurance covers water, one page would do.
Is there an age limit for the climbing course, my mother is eighty-one and rather determined?
Please don't ship before the 20th, the house has no door at present, long story.
Our API key leaked into a public repository this morning, revoke it right away and tell us what was accessed.
I was charged in dollars although I chose euros, and my bank took another {n} on top.
The trailer for hire had a flat tyre and no jack, your hotline advised me to ask a farmer.
What's the carbon footprint of the overnight delivery, and is there a slower option by train?
You can stop searching, the ring was in the pocket of my other coat, sorry for the trouble.
The tutorial says press F8, my laptop has no such key, what's the alternative?
The bread maker sings its melody at four in the morning, is there a way to mute it for good?
Our volunteer badge printer only accepts portrait photos, most of ours are landscape, what now?
Quisiera saber por qué el pago de {n} euros sigue pendiente si el banco me confirma que ya salió.
El repartidor dejó el sobre en el buzón del vecino y nadie me avisó, ¿pueden hablar con él?
Llevo media hora intentando cambiar la dirección de envío y la página me devuelve siempre al inicio.
¿Hay alguna manera de compartir el calendario solo con mi equipo, sin que lo vean los clientes?
La cafetera pierde agua por debajo desde que la descalcifiqué, ¿es peligroso seguir usándola así?
Me encanta la nueva versión, por fin puedo buscar por fecha sin volverme loca, felicidades a todos.
Perdí el móvil en el metro y necesito bloquear la tarjeta virtual ahora mismo, por favor.
Buenas tardes, ¿me pueden enviar el contrato firmado antes del viernes? Lo necesita la gestoría.
El curso de cerámica se canceló sin previo aviso y nadie responde a mis correos desde entonces.
¿Qué diferencia hay entre la tarifa plana y la de consumo para una casa con dos personas?
Es la tercera vez que les escribo por la misma lavadora y todavía no ha venido ningún técnico.
Mi hijo compró gemas en el juego con mi tarjeta, ¿se puede anular el cargo de {n} euros?
La talla que aparece en la etiqueta no corresponde con la de la web, me queda enorme.
Quería agradecer a Lucía su paciencia, me explicó todo paso a paso y ahora funciona de maravilla.
¿Puedo recoger el paquete en la tienda del centro, o tiene que ser en el almacén del polígono?
El sistema rechaza el certificado digital desde la actualización, aparece el error 403 al firmar.
Necesito una factura a nombre de la empresa, el NIF está en el perfil pero no aparece en el recibo.
No quiero hablar con una máquina, páseme con una persona que pueda mirar mi expediente, gracias.
¿Se puede llevar la bicicleta en el tren de las ocho, y hace falta reservar plaza?
Me han subido la cuota sin decirme nada, quiero darme de baja a final de mes.
El audio se corta cada pocos segundos cuando conecto los auriculares por bluetooth, con cable va bien.
¿Podrían decirme si el hotel tiene habitaciones adaptadas? Mi padre va en silla de ruedas.
La planta llegó completamente seca y con la maceta rota, adjunto unas fotos del desastre.
Somos una escuela pequeña, ¿tienen algún descuento para treinta licencias del programa de matemáticas?
He olvidado la respuesta a la pregunta de seguridad y ya no tengo acceso a aquel correo.
El pedido {n} figura como entregado, pero aquí no ha llegado nada y estuve en casa todo el día.
Gracias por la rapidez, pero el enlace que me mandaron está caducado, ¿me lo pueden reenviar?
Desde anoche no tenemos internet en la oficina y mañana presentamos un proyecto importante, es urgente.
¿Cómo se limpia el filtro del aire? En el manual solo hay dibujos y no entiendo ninguno.
Ayer pagué dos entradas y solo me llegó una, la función es esta noche a las nueve.
El color de la pintura no es el que pedí, encargué azul marino y esto es casi violeta.
¿Cuánto tarda una transferencia a Chile, y qué comisión me van a cobrar por ella?
Me gustaría cambiar mi cita del lunes por otra a primera hora, entro a trabajar a las diez.
Los subtítulos van adelantados unos tres segundos respecto a la imagen, en todas las series.
Qué vergüenza de servicio, cuarenta minutos de música y luego se corta la llamada.
Seit dem Umzug bekomme ich keine Rechnungen mehr, obwohl ich die neue Adresse längst eingetragen habe.
Könnten Sie mir bitte sagen, ob die Winterreifen auch mit dieser Felge zugelassen sind?
Der Betrag von {n} Euro wurde abgebucht, die Bestellung hatte ich aber am selben Tag storniert.
Unser Drucker meldet ständig einen Papierstau, dabei ist kein einziges Blatt eingeklemmt.
Ich finde den Knopf zum Abmelden nicht, können Sie mir kurz beschreiben, wo der versteckt ist?
Herzlichen Dank an die Kollegin von gestern Abend, sie hat mir wirklich sehr geduldig geholfen.
Das ist jetzt die dritte Mahnung für etwas, das ich nachweislich schon im März bezahlt habe.
Gibt es die Jacke auch in Dunkelgrün, und wie lange dauert der Versand in die Schweiz?
Nach dem Stromausfall zeigt die Heizung nur noch drei Striche an, im Haus wird es langsam kalt.
Wir würden gern zwanzig weitere Lizenzen dazunehmen, ab welcher Menge gibt es denn Rabatt?
Der Bote hat das Paket einfach vor die Haustür gestellt, jetzt ist es natürlich weg.
Bitte löschen Sie mein Konto samt allen Daten und bestätigen Sie mir das schriftlich.
Kann man das Abo für ein halbes Jahr ruhen lassen? Ich gehe ins Ausland.
Die Bohrmaschine riecht verbrannt, sobald ich sie länger als eine Minute laufen lasse.
Auf meiner Karte steht der falsche Nachname, ich habe im Sommer geheiratet und brauche eine neue.
Warum muss ich mich bei jedem Besuch neu anmelden, früher hat er sich das doch gemerkt?
Die Lieferung {n} war unvollständig, es fehlen vier Schrauben und die Anleitung für den Schrank.
Ich möchte mit einem Menschen sprechen, Ihr Assistent versteht mein Anliegen offensichtlich nicht.
Lässt sich die Terrasse auch für eine Hochzeit mit sechzig Gästen mieten, und was kostet das?
Beim Export nach Excel werden aus den Kommas Punkte, damit stimmen unsere ganzen Summen nicht.
Meine Mutter ist gestürzt und der Notrufknopf hat nicht reagiert, bitte rufen Sie mich sofort zurück.
Die neue Oberfläche gefällt mir richtig gut, endlich finde ich meine Verträge auf einen Blick.
Wo kann ich den Zählerstand eintragen? Im Portal fehlt das Feld seit letzter Woche.
Der Termin am Donnerstag passt mir leider nicht, ginge es auch am Montag gegen halb neun?
Ihr Gutschein wird an der Kasse nicht angenommen, obwohl er noch bis Ende Mai gültig ist.
Wir haben versehentlich das falsche Netzteil bestellt, nehmen Sie es ungeöffnet zurück?
Das Display flackert, wenn ich die Helligkeit unter zwanzig Prozent stelle, ist das ein bekannter Fehler?
Seit einer Stunde kommt keiner unserer Kunden mehr in den Shop, wir verlieren gerade sehr viel Geld.
Welche Unterlagen brauchen Sie von mir, damit mein Sohn das Konto eröffnen kann?
Ich habe das Rezept genau befolgt, trotzdem ist der Teig flüssig geblieben, stimmt die Menge Wasser?
Der Rasenmäher springt nicht an, Öl und Benzin sind voll, die Kerze habe ich schon getauscht.
Können Sie die Rechnung {n} bitte auf unsere Firma umschreiben? Die Steuernummer schicke ich Ihnen gleich.
Vierzig Minuten Warteschleife und dann fliege ich raus, so geht man nicht mit Leuten um.
Ist der Kurs auch für Anfänger geeignet, die noch nie ein Instrument in der Hand hatten?
Hat sich erledigt, der Schlüssel lag unter dem Beifahrersitz, entschuldigen Sie bitte die Umstände.
Bonjour, ma commande {n} est bloquée en préparation depuis dix jours, pouvez-vous vérifier ce qui se passe ?
Le canapé est arrivé avec un pied cassé et une tache sur l'accoudoir, je joins les photos.
Est-il possible de changer la date de mon rendez-vous, je ne serai pas en ville ce jour-là.
Votre application me demande sans cesse de me reconnecter, c'est pénible quand on est sur le terrain.
Je vous remercie pour votre réponse rapide, tout est rentré dans l'ordre et mon fils est ravi.
On m'a prélevé {n} euros alors que j'avais résilié dans les délais, j'exige un remboursement.
Quelle est la différence entre les deux formules, et puis-je passer de l'une à l'autre plus tard ?
La chaudière affiche un code que je ne trouve pas dans la notice, il fait douze degrés ici.
J'aimerais parler à un conseiller, le formulaire ne propose aucun motif qui corresponde à mon cas.
Le livreur prétend que j'étais absente, or je n'ai pas bougé de chez moi de la journée.
Peut-on venir avec un chien dans le gîte, et le jardin est-il entièrement clôturé ?
Depuis la mise à jour, les accents disparaissent dans toutes les étiquettes que nous imprimons.
Mon père a perdu ses lunettes dans le bus numéro douze, quelqu'un les a-t-il rapportées ?
Merci de m'indiquer comment télécharger mes relevés de l'année dernière, mon comptable les attend.
Le bouton de paiement reste gris alors que tous les champs sont remplis, j'ai essayé deux navigateurs.
C'est inadmissible, voilà trois semaines que j'attends une réponse et l'on me renvoie d'un service à l'autre.
Faites-vous des remises pour les associations, nous aurions besoin d'une quinzaine de tablettes ?
Je n'ai jamais reçu le colis {n}, pourtant le suivi indique qu'il a été remis en main propre.
Comment fait-on pour régler la luminosité, ma mère ne voit presque rien sur le petit écran ?
La nouvelle présentation est superbe, on s'y retrouve enfin, bravo à toute votre équipe !
J'ai saisi un mauvais numéro de compte, pouvez-vous arrêter le virement avant ce soir ?
Le tissu est bien plus foncé que sur la photo, puis-je le renvoyer même s'il est déjà coupé ?
Auriez-vous encore deux places côte à côte pour le spectacle de samedi, de préférence au balcon ?
Mon abonnement a été renouvelé sans mon accord, je souhaite l'annuler et récupérer la somme versée.
Le serveur répond par une erreur 502 environ une fois sur vingt depuis votre maintenance de la nuit.
Pourriez-vous envoyer un double de la garantie, l'original a été abîmé lors du dégât des eaux ?
Je ne comprends rien à cette facture, il y a trois lignes qui portent exactement le même nom.
Ma fille est allergique aux noix et l'étiquette du gâteau n'en parlait pas, c'est extrêmement grave.
Où se trouve l'entrée du parking, le plan sur votre site ne correspond pas aux panneaux ?
La batterie ne tient plus que deux heures, alors que l'appareil n'a même pas un an.
Veuillez me désinscrire de votre lettre, j'ai cliqué sur le lien quatre fois sans aucun effet.
Pouvez-vous rajouter une taie d'oreiller à ma commande avant qu'elle ne parte de l'entrepôt ?
Nous sommes six et la table réservée n'a que quatre chaises, que proposez-vous ?
Le casque grésille dès que je monte le son, un échange serait-il possible cette semaine ?
Rien ne presse, mais il y a une faute d'orthographe sur la page d'accueil, juste sous le logo.
Le vendeur m'avait assuré que la pose était comprise, on me réclame maintenant {n} euros de plus.
"""

MESSAGES = tuple(_WRITTEN.strip().splitlines())
VARIED = (*MESSAGES, *_MORE.strip().splitlines())
LONG = tuple(" ".join(MESSAGES[start : start + 60]) for start in range(0, len(MESSAGES) - 60, 20))


def fresh(messages: Iterable[str]) -> Iterator[str]:
    """The messages, each time with other numbers."""
    for count, message in enumerate(messages):
        yield message.replace("{n}", str(10_000 + count * 7919 % 90_000))
