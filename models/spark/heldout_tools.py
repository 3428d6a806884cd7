# The held-out tools of clients that are no home: written by hand, with names that training never saw, and requests whose values are to be copied.
# A tool: its description, {parameter: (JSON type, its description)}, and requests; {parameter} stands where its value is said.
import words

TEXT, WHOLE, NUMBER = "string", "integer", "number"
TOOLS = {
    "file_expense": ("Hands in an expense claim.", {"amount": (NUMBER, ""), "reason": (TEXT, "")}, ["I spent {amount} on {reason}, hand it in", "File an expense of {amount} for {reason}", "Expenses: {amount}, reason {reason}"]),
    "send_sms": ("Sends a text message to a phone.", {"number": (TEXT, "Phone number"), "text": (TEXT, "")}, ["Text {number}: {text}", "Send \"{text}\" to {number} please", "Could you drop {number} a text saying {text}"]),
    "create_calendar_event": ("Puts an event into the calendar.", {"title": (TEXT, ""), "date": (TEXT, "YYYY-MM-DD"), "start_time": (TEXT, "HH:MM")},
                              ["Put {title} in my calendar for {date} at {start_time}", "Schedule \"{title}\" on {date}, starting {start_time}", "I've got {title} on {date} at {start_time}, add it to the calendar"]),
    "convert_currency": ("Converts an amount of money.", {"amount": (NUMBER, ""), "from_currency": (TEXT, "ISO code"), "to_currency": (TEXT, "ISO code")},
                         ["How much is {amount} {from_currency} in {to_currency}?", "Convert {amount} {from_currency} to {to_currency}", "What would {amount} {from_currency} be in {to_currency}"]),
    "translate_text": ("Translates a text into another language.", {"text": (TEXT, ""), "target_language": (TEXT, "")},
                       ["Translate \"{text}\" into {target_language}", "How do you say {text} in {target_language}?", "I need \"{text}\" in {target_language}"]),
    "get_stock_price": ("Latest price of a share.", {"symbol": (TEXT, "Ticker symbol")}, ["What's {symbol} trading at?", "Price of {symbol} shares please", "How is {symbol} doing on the stock market?"]),
    "book_taxi": ("Orders a taxi.", {"pickup": (TEXT, "Where it starts"), "destination": (TEXT, "Where it goes")},
                  ["Get me a cab from {pickup} to {destination}", "I need a taxi, {pickup} to {destination}", "Book a ride to {destination}, pick me up at {pickup}"]),
    "order_pizza": ("Orders pizza for delivery.", {"kind": (TEXT, ""), "quantity": (WHOLE, "How many")}, ["Order {quantity} {kind} pizzas", "We'd like {quantity} pizzas {kind}", "{quantity} times pizza {kind} please"]),
    "find_recipe": ("Finds recipes that use an ingredient.", {"ingredient": (TEXT, "")}, ["What can I cook with {ingredient}?", "Got any recipe for {ingredient}?", "I have some {ingredient} left, find me a dish"]),
    "define_word": ("Looks a word up in the dictionary.", {"word": (TEXT, "")}, ["What does {word} mean?", "Look up the word {word}", "Definition of \"{word}\" please"]),
    "cut_planks": ("Orders planks from the sawmill.", {"pieces": (WHOLE, ""), "length_cm": (WHOLE, "")}, ["I need {pieces} planks of {length_cm} cm", "Have {pieces} boards cut, {length_cm} centimetres each", "Order planks: {pieces} pieces, {length_cm} cm"]),
    "generate_password": ("Makes up a safe password.", {"length": (WHOLE, "Characters")}, ["Make me a password of {length} characters", "I need a new password, {length} long", "Give me a {length} character password"]),
    "read_file": ("Reads a file of the workspace.", {"path": (TEXT, "")}, ["Show me {path}", "What's in {path}?", "Open the file {path} and tell me what it says"]),
    "write_note": ("Saves a note.", {"title": (TEXT, ""), "text": (TEXT, "")}, ["Make a note titled {title}: {text}", "Note \"{text}\" under {title}", "Save a note, title \"{title}\", text \"{text}\""]),
    "list_directory": ("Lists the files of a folder.", {"folder": (TEXT, "")}, ["What files are in {folder}?", "List {folder}", "Show what's inside the folder {folder}"]),
    "search_orders": ("Finds the orders of a customer.", {"customer": (TEXT, "")}, ["Which orders has {customer} placed?", "Look for orders by {customer}", "Did {customer} order anything?"]),
    "track_parcel": ("Says where a parcel is.", {"tracking_number": (TEXT, "")}, ["Where's my parcel {tracking_number}?", "Track {tracking_number}", "Has {tracking_number} been delivered yet?"]),
    "get_departures": ("Next trains from a station.", {"station": (TEXT, "")}, ["When do trains leave from {station}?", "Next departures at {station}", "I'm at {station}, when's the next train"]),
    "book_court": ("Books a court in the sports hall.", {"court": (TEXT, ""), "players": (WHOLE, ""), "time": (TEXT, "HH:MM")},
                   ["Court {court} for {players} of us, {time}", "Get us court {court} at {time}, we are {players}", "{players} players want court {court} at {time}, book it"]),
    "play_album": ("Plays an album.", {"artist": (TEXT, ""), "album": (TEXT, "")}, ["Put on {album} by {artist}", "I want to hear the album {album} from {artist}", "Play {artist}'s {album}"]),
    "log_workout": ("Writes sport into the diary.", {"activity": (TEXT, ""), "minutes": (WHOLE, "")}, ["I did {minutes} minutes of {activity}", "Log {activity}, {minutes} min", "Just finished {activity} for {minutes} minutes, write it down"]),
    "log_meal": ("Writes a meal into the food diary.", {"food": (TEXT, ""), "calories": (WHOLE, "")}, ["I had {food}, about {calories} calories", "Log {food} with {calories} kcal", "Put {food} in the food diary, {calories} calories"]),
    "water_bed": ("Waters a bed of the garden.", {"bed": (TEXT, ""), "litres": (NUMBER, "")}, ["Give the {bed} bed {litres} litres", "{litres} litres of water for the bed {bed}", "Water the {bed} bed with {litres} litres"]),
    "create_issue": ("Opens an issue in a repository.", {"repository": (TEXT, "owner/name"), "title": (TEXT, "")}, ["Open an issue in {repository}: {title}", "File \"{title}\" as a bug against {repository}", "New issue for {repository}, title {title}"]),
    "close_ticket": ("Closes a support ticket.", {"ticket_id": (WHOLE, "")}, ["Ticket {ticket_id} is solved, close it", "Mark {ticket_id} as closed", "You can close ticket number {ticket_id}"]),
    "assign_task": ("Gives a task to somebody.", {"task": (TEXT, ""), "assignee": (TEXT, "")}, ["Have {assignee} do \"{task}\"", "Assign {task} to {assignee}", "{assignee} should take care of {task}"]),
    "lookup_user": ("Finds an account.", {"username": (TEXT, "")}, ["Who is the user {username}?", "Find the account {username}", "Pull up {username}'s profile"]),
    "calculate": ("Works out an arithmetic expression.", {"expression": (TEXT, "")}, ["How much is {expression}?", "Calculate {expression}", "Work out {expression} for me"]),
    "convert_units": ("Converts between units.", {"value": (NUMBER, ""), "from_unit": (TEXT, ""), "to_unit": (TEXT, "")}, ["{value} {from_unit} in {to_unit}?", "How many {to_unit} are {value} {from_unit}?", "Turn {value} {from_unit} into {to_unit}"]),
    "get_sunrise": ("When the sun rises in a city.", {"city": (TEXT, "")}, ["When does the sun come up in {city}?", "Sunrise in {city}?", "I'm in {city}. What time is sunrise?"]),
    "fetch_forecast": ("Weather of the coming days.", {"place": (TEXT, ""), "days": (WHOLE, "")}, ["Forecast for {place}, next {days} days", "How will the weather be in {place} over {days} days?", "I'm off to {place} for {days} days, what's the forecast"]),
    "resize_image": ("Changes the size of a picture.", {"file": (TEXT, ""), "width": (WHOLE, "Pixels"), "height": (WHOLE, "Pixels")}, ["Resize {file} to {width} by {height}", "Make {file} {width}x{height}", "I need {file} at {width} wide and {height} high"]),
    "restart_service": ("Restarts a service of the server.", {"service": (TEXT, "")}, ["{service} hangs, restart it", "Please bounce {service}", "Restart the {service} service"]),
    "ping_host": ("Checks whether a computer answers.", {"host": (TEXT, "")}, ["Is {host} reachable?", "Ping {host}", "Can you see if {host} is up"]),
    "add_contact": ("Adds somebody to the address book.", {"name": (TEXT, ""), "phone": (TEXT, "")}, ["Save {name}'s number, {phone}", "New contact: {name}, {phone}", "Add {name} with {phone} to my contacts"]),
    "rent_bike": ("Rents a city bike.", {"dock": (TEXT, "The station")}, ["I'd like a bike at {dock}", "Rent one from {dock}", "Unlock a city bike at the dock {dock}"]),
    "get_horoscope": ("Today's horoscope.", {"sign": (TEXT, "Star sign")}, ["What do the stars say for {sign}?", "{sign} horoscope please", "I'm a {sign}, how's my day going to be?"]),
    "reserve_book": ("Reserves a book in the library.", {"title": (TEXT, ""), "author": (TEXT, "")}, ["Reserve {title} by {author}", "Is {title} from {author} in the library? Put it aside for me", "I want to borrow {author}'s {title}"]),
    "feed_fish": ("Feeds the fish of a tank.", {"tank": (TEXT, ""), "grams": (NUMBER, "")}, ["{grams} grams for the fish in {tank}", "Feed tank {tank}, {grams} g", "The fish in {tank} get {grams} grams"]),
    "print_document": ("Prints a file.", {"file": (TEXT, ""), "copies": (WHOLE, "")}, ["Print {file}, {copies} copies", "I need {copies} prints of {file}", "Send {file} to the printer {copies} times"]),
    "get_tides": ("High and low water of a harbour.", {"harbour": (TEXT, "")}, ["When's high tide in {harbour}?", "Tides for {harbour} please", "We sail from {harbour}, when is low water?"]),
    "mcp__crm__update_lead": ("Changes the stage of a sales lead.", {"lead": (TEXT, ""), "stage": (TEXT, "")}, ["Move {lead} to {stage}", "{lead} is now in the stage {stage}", "Set the stage of the lead {lead} to {stage}"]),
    "mcp__files__delete_path": ("Deletes a file.", {"target": (TEXT, "")}, ["Delete {target}", "Get rid of {target}", "{target} can be removed"]),
}
CITIES = ["Ghent", "Oaxaca", "Turku", "Perugia", "Leipzig", "Cork", "Bergen", "Nantes", "Split", "Hobart", "Tucson", "Brno", "Aarhus", "Salvador", "Nagoya", "Pune"]
PHRASES = ["see you at six", "the meeting moved to room four", "running late", "happy anniversary", "bring the ladder back", "thanks for yesterday", "the keys are under the mat", "no hurry", "budget for spring", "roof repair"]
TITLES = ["The Glass Orchard", "Nine Ferries", "Salt and Tin", "A Winter Ledger", "Low Bridges", "The Tall Nephew"]
SIGNS = ["Leo", "Virgo", "Aries", "Gemini", "Pisces"]
UNITS = [("miles", "kilometres"), ("pounds", "kilograms"), ("inches", "centimetres"), ("gallons", "litres"), ("feet", "metres")]
CODES = [("EUR", "USD"), ("GBP", "JPY"), ("CHF", "SEK"), ("AUD", "INR"), ("PLN", "EUR")]
LANGUAGES = ["Dutch", "Basque", "Korean", "Finnish", "Greek", "Swahili", "Welsh"]
SYSTEMS = ["", "", "You are a helpful assistant.", "You help the staff of a small company. Use the tools when they fit.", "Today is a good day. You are Otto, the assistant of this app.",
           "You are an agent. Call a function when the user wants something done; otherwise answer.", "Answer in English. You may use tools."]


def value(rng, tool, parameter, kind, chosen):
    word = words.made_up_word(rng, "test")
    person = rng.choice(words.pick_split(words.PEOPLE, "test"))
    if kind == WHOLE:
        return rng.randint(200, 1900) if parameter in ("width", "height") else rng.randint(1000, 99999) if parameter == "ticket_id" \
            else rng.randint(80, 900) if parameter == "calories" else rng.randint(2, 40)
    if kind == NUMBER:
        return rng.choice((rng.randint(2, 900), rng.randint(1, 9) + 0.5))
    simple = {
        "number": f"+{rng.randint(30, 49)}{rng.randint(10**8, 10**9)}", "phone": f"0{rng.randint(10**8, 10**9)}",
        "date": f"2027-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}", "start_time": f"{rng.randint(7, 21):02}:{rng.choice(('00', '15', '30'))}", "time": f"{rng.randint(17, 21)}:{rng.choice(('00', '15', '30'))}",
        "symbol": word[:4].upper(), "kind": rng.choice(("margherita", "funghi", "quattro formaggi", "hawaii")), "ingredient": rng.choice(("leeks", "chickpeas", "halloumi", "rhubarb", word.lower())),
        "activity": rng.choice(("rowing", "fencing", "squash", "skipping rope", word.lower())), "food": rng.choice(("gnocchi", "a bowl of porridge", "two samosas", f"{word.lower()} soup")),
        "expression": f"{rng.randint(2, 99)}{rng.choice((' * ', ' + ', '-', '/'))}{rng.randint(2, 99)}", "city": rng.choice(CITIES), "place": rng.choice(CITIES + [word]), "harbour": rng.choice(CITIES + [word]),
        "sign": rng.choice(SIGNS), "target_language": rng.choice(LANGUAGES), "path": f"{word.lower()}/{rng.choice(('notes.md', 'main.py', 'config.yaml'))}", "folder": f"/srv/{word.lower()}",
        "file": f"{word.lower()}.{'png' if tool == 'resize_image' else 'pdf'}", "target": f"{word.lower()}_{rng.randint(1, 30)}.{rng.choice(('log', 'txt', 'tmp'))}", "host": f"{word.lower()}.example.net",
        "tracking_number": f"{word[:2].upper()}{rng.randint(10**7, 10**8)}", "repository": f"{word.lower()}/{words.made_up_word(rng, 'test').lower()}", "username": f"{word.lower()}{rng.randint(1, 99)}",
        "customer": f"{person} {word}", "assignee": person, "name": f"{person} {word}", "author": f"{person} {word}", "artist": f"{word} {rng.choice(('Brothers', 'Quartet', 'Sisters'))}", "lead": f"{word} {rng.choice(('Ltd', 'GmbH', 'Bakery'))}",
        "court": rng.choice((word, "C", "North")), "reason": rng.choice(("train tickets", "new chairs", f"lunch with {person}", word.lower())), "station": f"{word} {rng.choice(('Central', 'North', 'Park'))}", "pickup": f"{rng.randint(1, 90)} {word} Street", "destination": f"{word} {rng.choice(('Airport', 'Square', 'Clinic'))}",
        "dock": f"{word} {rng.choice(('Square', 'Bridge', 'Market'))}", "service": word.lower(), "word": word.lower(), "bed": rng.choice(("north", word.lower(), "bean")), "tank": word, "stage": rng.choice(("won", "negotiation", "lost", "proposal")),
    }
    if parameter in ("album", "title") and tool != "write_note" and tool not in ("create_calendar_event", "create_issue"):
        return rng.choice(TITLES)
    if parameter in ("title", "task", "text"):
        free = [x for x in PHRASES + [f"call {person}", f"{word.lower()} meeting"] if x not in chosen.values()]
        return rng.choice(free)
    return {"from_currency": lambda: rng.choice(CODES)[0], "from_unit": lambda: rng.choice(UNITS)[0]}.get(parameter, lambda: simple[parameter])()


def arguments(rng, tool):
    """A value for every parameter; the second of a pair of units goes with the first."""
    chosen = {}
    for parameter, (kind, _) in TOOLS[tool][1].items():
        pairs = {"to_currency": ("from_currency", CODES), "to_unit": ("from_unit", UNITS)}
        if parameter in pairs:
            first, known = pairs[parameter]
            chosen[parameter] = dict(known)[chosen[first]]
        else:
            chosen[parameter] = value(rng, tool, parameter, kind, chosen)
    return chosen


def schema(tool):
    text, parameters, _ = TOOLS[tool]
    properties = {name: {"type": kind, **({"description": about} if about else {})} for name, (kind, about) in parameters.items()}
    return {"type": "function", "function": {"name": tool, "description": text, "parameters": {"type": "object", "properties": properties, "required": list(parameters)}}}


def offered_with(rng, tool):
    others = rng.sample([t for t in TOOLS if t != tool], rng.randint(0, 7))
    offered = [*others, tool]
    rng.shuffle(offered)
    return offered


def rows(seed, count):
    """Each tool about as often as the others, each form of a request too."""
    tools = list(TOOLS)
    for i in range(count):
        rng, tool = words.seeded(seed, f"tool:{i}"), tools[i % len(tools)]
        chosen, form = arguments(rng, tool), TOOLS[tool][2][i // len(tools) % 3]
        text, system = form.format(**chosen), rng.choice(SYSTEMS)
        if rng.random() < 0.15:
            text = rng.choice(("Hi! ", "Hey, ", "One more thing: ", "ok ")) + text
        messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": text}]
        right = {k: [v] for k, v in chosen.items()}
        if tool == "calculate":
            right["expression"].append(chosen["expression"].replace(" ", ""))
        call = {"name": tool, "arguments": right, "may": {}}
        yield {"category": tool, "messages": messages, "tools": offered_with(rng, tool), "expect": {"answers": [[call]]}}
