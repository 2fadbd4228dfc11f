"""What the bot says. One catalogue; every line was read aloud."""

from __future__ import annotations

WELCOME = (
    "您好，我是{city}的网格小助手。\n"
    "身边有什么事要反映，直接发给我：打字、拍照、说话、发定位都行，不用填表。\n"
    "我会转给管这件事的人，有进展就告诉您。"
)
HOW_TO = (
    "直接说是什么事、在哪里就行，比如：\n"
    "“翠湖小区3栋楼下井盖坏了”\n"
    "也可以拍照、发语音、发定位。\n"
    "想看办到哪了，发“进度”；要催一下，发“催办”；报错了，发“撤回”。"
)
GREETING = "您好！有什么事要反映，直接说就行：是什么事，在哪里。想看办到哪了，发“进度”。"
INVITE = "好的，请说：是什么事，在哪里？照片、语音、定位也可以直接发。"
THANKS = "不客气，有事随时说。"
NOD = "好的，有事随时说。"
NOT_UNDERSTOOD = "这句我没看明白。要反映问题，请说是什么事、在哪里；想看进度，发“进度”。"
HUMAN = "好的，已请派单员来看（工单 {number}）。您想说什么，直接在这里说就行，{contact_by}前回您。急事请打 12345。"
ANONYMOUS = "记住了：不让别人知道是谁反映的。办事的人看不到您的名字和号码，也会替您保密。"
CONSULT = "这个我先帮您问一下工作人员（工单 {number}），{contact_by}前在这里回您。急的话可以打 12345。"
GUIDE_MORE = "没说清的再问我，或者发“转人工”。"
GUIDE_TITLE = "【{title}】{what}"
GUIDE_LINES = {
    "where": "在哪办：{value}",
    "hours": "时间：{value}",
    "papers": "带什么：{value}",
    "phone": "电话：{value}",
}
GUIDE_TITLES = "想办什么事，直接问我，比如“老年卡带什么”。\n我知道这些：{titles}。\n别的我帮您问工作人员。"
GUIDE_EMPTY = "想办什么事，直接问我；我不知道的，帮您问工作人员。"
ELSEWHERE = "这件事不归网格管，我怕给您耽误了。您可以打 12345 问问该找谁；社区里的事，随时跟我说。"
PRIVACY_FIRST = "您发的内容只用来办您反映的事，只有办事的人看得到。接着用就是同意；想了解或删除，发“隐私”。"
PRIVACY = (
    "我们只存您在这里发的话、照片、语音、位置，和事情的办理经过，用来办您反映的事。\n"
    "不用您报姓名和手机号，办事的人也看不到您的微信。\n"
    "想删掉，发“删除我的信息”；不想让人知道是您反映的，发“匿名”。"
)
ERASE_ASK = (
    "要把您发过的话、照片、语音、位置都删掉吗？删了就找不回来，没办完的事也不再给您消息。\n回复 1 删除\n回复 2 不删"
)
ERASE_DONE = "好的，一分钟内全部删掉。谢谢您来过，以后有事还可以随时找我。"
ERASE_KEPT = "好的，没有删。"
CHAT = "我只会帮您反映身边的事：说一句是什么事、在哪里，我就转给管的人。"
STUMBLED = (
    "收到了。这条我一时没处理好，马上再试；过十分钟没有回音，请您再说一遍。\n有人有危险，请直接打 110、119、120。"
)
BREATH = "您发得太快，我有点跟不上了，请等一分钟再发。前面发来的都收到了。\n有人有危险，请直接打 110、119、120。"
NO_WORDS = "我没看懂这条。请用几个字说说是什么事、在哪里，也可以发照片或语音。"
CANNOT_TAKE = "这种消息我看不了。请用文字、照片、语音或定位告诉我：是什么事，在哪里？"

OPENED = "收到了，工单号 {number}。"
UNDERSTOOD = "这是“{category}”{place}。"
AT = "，地点：{place}"
CHOOSE = "您看是哪一类？\n{choices}\n都不是也没关系，派单员{contact_by}前给您回话。"
CHOICE = "回复 {digit} {words}"
CHOSEN_NONE = "好的，派单员会看，{contact_by}前给您回话。"
KIND_NOTED = "记下了，这是“{category}”。"
KIND_UNCLEAR = "好的，我请派单员再看看这是哪一类事（工单 {number}）。"
NEARBY = "附近已有 {count} 位居民反映“{category}”，是同一件事吗？\n回复 1 是，一起关注\n回复 2 不是"
JOINED = "好的，和邻居们一起关注工单 {number}：{state}\n有进展就告诉您。"
NOT_JOINED = "好的，您的这件单独办。"
UNSURE = "我还拿不太准是哪类事，先请派单员看一眼，{contact_by}前给您回话。"
PLACE_FIRST = "派单员{contact_by}前给您回话；知道在哪里，就能马上交给管的人。"
HELD = "已交给{holder}，{contact_by}前联系您。"
PLACE_MISSING = "请告诉我在哪里：小区和楼号，或路名和门牌；也可以发个定位。"
PLACE_ASSUMED = "您没说地点，我先按{place}记了；不对的话，请说一下在哪里。"
PLACE_VAGUE_ROAD = "“{place}”比较长，请再说一下几号，或者发个定位。"
PLACE_VAGUE = "“{place}”挺大的，请再说一下哪一栋，或者发个定位。"
PLACE_WHICH = "是{options}，还是别的地方？请再说一下，或者发个定位。"
PLACE_OUTSIDE = "这个位置好像不在我们区里，派单员会核对；您也可以再说说在哪里。"
ANYTHING_MORE = "有照片或要补充的，接着发就行。"
# Danger to life: whom to call, before anything else. The keys are those of `bot.emergency.Danger`.
DANGERS = {
    "self_harm": "请现在就打 120 和 110。要是您自己心里难受，打 12356，有人陪您说话，我们也在。",
    "gas": "先开窗，别开灯、别动电器，人到屋外再打 119；有人晕了打 120。",
    "electricity": "别碰线，也别碰被电的人，离远点，马上打 119；有人伤了打 120，断电找 95598。",
    "fire": "请马上打 119，人先撤出来，别回去拿东西。",
    "mass": "请马上打 110，您先离开人群，别往里挤；有人伤了打 120。",
    "violence": "请马上打 110，您先躲到安全的地方，把门锁好。",
    "drowning": "请马上打 119 和 120，别下水，扔绳子、竿子、能浮的东西给他。",
    "trapped": "请马上打 119，别硬拉、别硬撬，等救的人来；有人伤了打 120。",
    "collapse": "请马上打 119，人都离开，别靠近；有人伤了打 120。",
    "missing": "请马上打 110 报警，不用等 24 小时，带上近照。",
    "medical": "请马上打 120，守着病人，按电话里说的做。",
}
DANGER_NOTED = "我们也已报给值守的人（工单 {number}），会马上联系您。"
DANGER_PLACE = "您在哪里？说个小区楼号，或者发个定位。"
DANGER = "人要是有危险，请马上打 110、119 或 120。"
MEDIA_ALONE = "{media}收到，工单号 {number}。请再说一句：是什么事，在哪里？"
PLACE_ALONE = "位置收到：{place}，工单号 {number}。请再说一句：是什么事？"
MEDIA_ADDED = "{media}已加到工单 {number}，还有就接着发。"
ADDED = "已补充到工单 {number}。"
PLACE_ADDED = "地点记下了：{place}。"
BURST_NOTE = "{parts}已加到工单 {number}。"
BURST_DONE = "好的，{parts}都在工单 {number} 里了。{state}"
DONE = "好的，工单 {number}：{state}"
DONE_NOTHING = "好的。有事随时说。"
PARTS = {
    "text": "{count}句话",
    "photo": "{count}张照片",
    "voice": "{count}段语音",
    "video": "{count}段视频",
    "place": "位置",
}
LINK = "链接我打不开。请用几个字说说是什么事、在哪里。"
FILE = "文件我打不开。请拍成照片发给我，或者用几个字说说是什么事、在哪里。"
NEW_MATTER = "这像是另一件事，我另开了一单。"
HEARD = "（您的语音，我听着是：“{words}”。听错了就打字说“不对，是……”，我改过来。）"
HEARD_FIXED = "改好了：“{words}”。"
MEDIA_NAMES = {"photo": "照片", "voice": "语音", "video": "视频"}

PROGRESS_NONE = "没查到您报过的事。要反映什么，直接说就行：是什么事，在哪里。"
PROGRESS_UNKNOWN = "没查到这个工单号。请核对一下数字，或发“进度”看您报过的事。"
PROGRESS_NEW = "派单员正在安排，{due}前给您回话。"
PROGRESS_ASSIGNED = "已交给{holder}，{due}前联系您。"
PROGRESS_ACCEPTED = "{holder}正在办，{due}前给您结果。"
PROGRESS_LATE = "在{holder}那里，已经过了说好的时间，对不住。要催一下，请发“催办”。"
PROGRESS_RESOLVED = "{holder}说：{result}\n请您看看解决了没有：回复 1 解决了，2 没解决，3 解决了一部分。"
PROGRESS_CLOSED = "已办结。{holder}：{result}"
PROGRESS_EXPLAINED = "{holder}说暂时办不了：{result}\n您看行不行：回复 1 可以，2 不行。"
PROGRESS_UNSOLVED = "这件事没能解决，对不住。{holder}：{result}"
PROGRESS_PAUSED = "{holder}问了您一句话，等您回了就接着办。"
PROGRESS_REJECTED = "这件事这里办不了：{result}"
PROGRESS_WITHDRAWN = "您已经撤回了。"
PROGRESS_MERGED = "已和邻居的工单并到一起办。"
PROGRESS_LINE = "工单 {number}“{title}”：\n{state}"
PROGRESS_MORE = "还有更早的，发工单号就能查。"
PAGE = '<a href="{address}">点这里看详情</a>'

URGED = "已替您催了{holder}（工单 {number}），{due}前给您回音。"
URGED_LATE = "已替您催了{holder}（工单 {number}）。拖了这么久，对不住。"
WITHDRAWN = "工单 {number} 已撤回。以后有事随时说。"
WHICH = "您有几件事在办，请告诉我工单号：\n{lines}"
WHICH_LINE = "{number} {title}"
URGED_ALREADY = "刚替您催过{holder}（工单 {number}），他们看得到，{due}前给您回音。"
WHO = "工单 {number}“{title}”现在由{holder}负责。想催一下，发“催办”。"
WHO_PHONE = "{holder}的电话：{phone}。"
COMPLAINED_OPEN = "对不住，让您受累了。您说的派单员会看（工单 {number}）。"
COMPLAINED = "对不住，让您受累了。您说的已交给派单台，他们会过问{holder}（工单 {number}）。"
NOTHING_OPEN = "您现在没有在办的事。"

ASK_RATING = "太好了，工单 {number} 办结了。\n请评个分：\n回复 1 满意\n回复 2 基本满意\n回复 3 不满意"
ASK_RATING_UNSOLVED = (
    "谢谢您体谅，工单 {number} 这次没能办成，对不住。\n请给办的人评个分：\n回复 1 满意\n回复 2 基本满意\n回复 3 不满意"
)
RATED_ALREADY = "这一次您已经评过了，谢谢。还有话想说，直接说就行。"
SENT_BACK = "明白了，工单 {number} 已退回{holder}重新办，{contact_by}前联系您。哪里没弄好，请说一句。"
SENT_BACK_PARTLY = (
    "记下了，办好了一部分。工单 {number} 剩下的由{holder}接着办，{contact_by}前联系您。还差哪里，请说一句。"
)
SENT_BACK_WITH_WORDS = "明白了，工单 {number} 已退回{holder}重新办，{contact_by}前联系您。您说的也带过去了。"
MAYBE_WITHDRAW = "那太好了！要是不用再办了，回复“撤回”就行。"
NEXT_VERIFY = "还有一件：工单 {number}“{title}”，解决了没有？回复 1 解决了，2 没解决，3 解决了一部分。"
RATE_AGAIN = "没太听明白。请评个分：1 满意，2 基本满意，3 不满意。"
RATED = "谢谢您的评价。"
RATED_BAD = "记下了，让您不满意，对不住。方便的话，说一句是为什么。"
WHY_NOTED = "您说的记下了，会有人看。"
EXPLAINED_AGAIN = "没太听明白。这样行不行？回复 1 可以，2 不行，请再想想办法。"
NEXT_VERIFY_UNSOLVED = "还有一件：工单 {number}“{title}”暂时办不了，您看行不行？回复 1 可以，2 不行。"
VERIFY_AGAIN = "是解决了，还是没解决？回复 1 解决了，2 没解决，3 解决了一部分。"

CODE_SCANNED = "扫到了。请说一句：是什么事，在哪里？"
SCENE_UNKNOWN = "这张码旧了，我认不出是哪个网格。有什么事直接说，带上小区和楼号就行。"
SCANNED = "您现在在{grid}。有什么事，直接说就行，不用再写地点。"
